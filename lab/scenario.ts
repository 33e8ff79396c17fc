/** The frame of a scenario: a served machine of each release, the same tests on both. */
import { after, before, describe } from 'node:test';
import type { Release } from './kinds.ts';
import { serve, type Server } from './mail.ts';

/** Tests; `get` answers once they run. */
export type Part = (get: () => Server, release: Release) => void;

export const onEachRelease = (...parts: readonly Part[]): void => {
  for (const release of ['bookworm', 'trixie'] as const) {
    describe(release, () => {
      let server: Server;
      before(async () => {
        server = await serve(release);
      });
      after(() => server?.[Symbol.asyncDispose]());
      for (const part of parts) part(() => server, release);
    });
  }
};
