/** The frame of a scenario in the private internet: one for each release, with a mail server of ours in it. A test that fails tells what was said. */
import { after, afterEach, before, beforeEach, describe, type TestContext } from 'node:test';
import type { Release } from '../kinds.ts';
import { type Internet, internet } from './internet.ts';
import type { Ours } from './ours.ts';

export interface Place {
  readonly net: Internet;
  readonly server: Ours;
}

/** `arrange` adds the hosts that the tests need, once; `get` answers once they run. */
export const onEachReleaseThere = <T>(
  arrange: (place: Place, release: Release) => Promise<T>,
  tests: (get: () => Place & T, release: Release) => void,
): void => {
  for (const release of ['bookworm', 'trixie'] as const) {
    describe(release, () => {
      let place: (Place & T) | undefined;
      let net: Internet | undefined;
      let begun = new Date();
      before(async () => {
        begun = new Date();
        net = await internet();
        try {
          const server = await net.ours(release);
          place = { net, server, ...(await arrange({ net, server }, release)) };
        } catch (error) {
          // No test has begun: nobody else would tell.
          console.log(await net.report(begun));
          throw error;
        }
      });
      beforeEach(() => {
        begun = new Date();
      });
      afterEach(async (context) => {
        // Node's types do not know it yet (nodejs.org/api/test.html, context.passed).
        if ((context as TestContext & { readonly passed: boolean }).passed || net === undefined) return;
        console.log(await net.report(begun));
      });
      after(() => net?.[Symbol.asyncDispose]());
      tests(() => {
        if (place === undefined) throw new Error('not arranged yet');
        return place;
      }, release);
    });
  }
};
