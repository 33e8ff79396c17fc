/** The frame of a scenario: a served machine of each release, the same tests on both. */
import { after, before, describe } from 'node:test';
import type { Release } from './kinds.ts';
import type { BootOptions } from './machine.ts';
import { serve, type Server } from './mail.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

/** Tests; `get` answers once they run. */
export type Part = (get: () => Server, release: Release) => void;

const onRelease = (release: Release, parts: readonly Part[], more: Omit<BootOptions, 'image'> = {}): void => {
  describe(release, { concurrency: 1 }, () => {
    let server: Server;
    before(async () => {
      server = await serve(release, more);
    });
    after(() => server?.[Symbol.asyncDispose]());
    for (const part of parts) part(() => server, release);
  });
};

export const onEachRelease = (...parts: readonly Part[]): void => {
  for (const release of RELEASES) onRelease(release, parts);
};

/** Both at the same time; `more`: how the machines are to be booted. */
export const onEachReleaseAtOnce = (part: Part, more?: Omit<BootOptions, 'image'>): void => {
  describe('both releases', { concurrency: true }, () => {
    for (const release of RELEASES) onRelease(release, [part], more);
  });
};
