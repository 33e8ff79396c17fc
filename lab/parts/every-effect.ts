/**
 * Each effect of a command in turn, whatever it is that comes before it. The list of them is not known beforehand: a run that comes to its end undisturbed
 * says that there are no more. What is done but once (a folder that is there from then on) makes later runs shorter than the first: then
 * what would be passed over is tried first.
 */
import assert from 'node:assert/strict';
import type { Server } from '../index.ts';
import { answered } from '../operator.ts';
import { asks, backFrom, FORTH, type Way } from './disturbed.ts';

/** MB: what a served machine writes within an hour, and some room. */
export const DISK = 2500;

/** From generation 1 to the change, and from there back. */
export const bothWays = async (server: Server, eachOf: (way: Way) => Promise<void>): Promise<void> => {
  await eachOf(FORTH);
  await asks(server, FORTH);
  const { code, document } = await answered<{ readonly generation: number }>(server, 'apply', '--yes');
  assert.equal(code, 0, JSON.stringify(document));
  await eachOf(backFrom(document.generation));
};

/** The nth of a name is another one than the first. */
const labelled = (effects: readonly string[]): readonly string[] =>
  effects.map((effect, index) => `${effect} (${effects.slice(0, index + 1).filter((other) => other === effect).length})`);

export interface Limits {
  /** Ends before the first of these; all if left out. */
  readonly until?: RegExp;
}

/** `trial` has something happen before the effect of that number, which comes after `last`, and answers with the effects of the run; `what` is for people. */
export const everyEffect = async (
  what: string,
  trial: (before: number, last: string | undefined) => Promise<readonly string[]>,
  { until }: Limits = {},
): Promise<void> => {
  const begun = performance.now();
  const tried = new Set<string>();
  let trials = 0;
  let last: string | undefined;
  for (let before = 1; ; ) {
    const effects = labelled(await trial(before, last));
    trials += 1;
    const label = effects[before - 1];
    if (label === undefined || until?.test(label) === true) {
      const whole = effects.slice(0, before - 1);
      assert.deepEqual(
        whole.filter((each) => !tried.has(each)),
        [],
        `${what}: not tried`,
      );
      const seconds = (performance.now() - begun) / 1000;
      const once = tried.size === whole.length ? '' : ` and ${tried.size - whole.length} that are done but once`;
      console.log(`    ${what}: ${whole.length} of ${whole.length} effects${once}, ${trials} trials of ${(seconds / trials).toFixed(1)} s`);
      return;
    }
    tried.add(label);
    const passed = effects.slice(0, before).findIndex((each) => !tried.has(each));
    assert.ok(trials < 2 * before + 50, `${what}: an effect bears another name in each run, about ${label}`);
    before = passed === -1 ? before + 1 : passed + 1;
    last = effects[before - 2];
  }
};
