/** Key and chain change places at once: whatever ends the change, and before whichever of its steps, both are of before or both are the next ones, and it can be made again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { path } from '#base';
import { type Machine, thisMachine } from '#machine';
import { forgetOldPairs, pairAt, swapPair } from './pair.ts';

const reason = process.getuid?.() === 0 ? undefined : 'only root owns keys';
const options = reason === undefined ? {} : { skip: reason };

const scratch = mkdtempSync(join(tmpdir(), 'hauspost-pair-'));
after(() => rmSync(scratch, { recursive: true }));

const EFFECTS: ReadonlySet<PropertyKey> = new Set(['run', 'write', 'makeDir', 'remove', 'rename']);

/** Ends before the effect of that number. */
const endingBefore = (machine: Machine, number: number): Machine => {
  let done = 0;
  return new Proxy(machine, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (!EFFECTS.has(name) || typeof value !== 'function') return value;
      return (...words: readonly unknown[]): unknown => {
        done += 1;
        if (done > number) throw new Error('ended');
        return Reflect.apply(value, target, words);
      };
    },
  });
};

const bytes = (name: string) => ({ key: Buffer.from(`key ${name}\n`), chain: Buffer.from(`chain ${name}\n`) });

const filesIn = async (name: string) => {
  const files = { key: path(join(scratch, name, 'key.pem')), chain: path(join(scratch, name, 'chain.pem')) };
  const machine = thisMachine();
  await machine.write(files.key, bytes('first').key, { owner: 'root:root', mode: 0o600 });
  await machine.write(files.chain, bytes('first').chain, { owner: 'root:root', mode: 0o644 });
  return { files, machine };
};

const isEnd = (error: unknown): boolean => error instanceof Error && error.message === 'ended';

/** Answers with what there was after each way to end; the last one came to its end. */
const ends = async (name: string, prepare: boolean): Promise<readonly string[]> => {
  const found: string[] = [];
  for (let number = 0; ; number += 1) {
    const { files, machine } = await filesIn(`${name}-${number}`);
    if (prepare) await swapPair(machine, files, bytes('second'));
    const ended = await swapPair(endingBefore(machine, number), files, bytes('next')).then(
      () => false,
      (error: unknown) => {
        if (!isEnd(error)) throw error;
        return true;
      },
    );
    const pair = await pairAt(machine, files);
    found.push(`${pair?.key.toString()}${pair?.chain.toString()}`);
    await swapPair(machine, files, bytes('next'));
    assert.deepEqual(await pairAt(machine, files), bytes('next'));
    assert.equal((await machine.state(path(join(scratch, `${name}-${number}`, 'current/key.pem'))))?.mode, 0o600);
    await forgetOldPairs(machine, files);
    assert.equal((await machine.list(path(join(scratch, `${name}-${number}`, 'pairs')))).length, 1);
    if (!ended) return found;
  }
};

for (const [what, prepare, before] of [
  ['from plain files', false, 'first'],
  ['from links', true, 'second'],
] as const)
  test(`${what}: never a key and the chain of another`, options, async () => {
    const found = await ends(before, prepare);
    assert.ok(found.length > 4, `${found.length}`);
    const [old, next] = [`key ${before}\nchain ${before}\n`, 'key next\nchain next\n'];
    assert.deepEqual(
      found.filter((each) => each !== old && each !== next),
      [],
    );
    assert.deepEqual([found[0], found.at(-1)], [old, next]);
  });

test('a renewal writes where the links lead, and the next change keeps that', options, async () => {
  const { files, machine } = await filesIn('renewed');
  await swapPair(machine, files, bytes('second'));
  // As older versions do it, which know of no links.
  await machine.write(files.chain, 'chain renewed\n', { owner: 'root:root', mode: 0o644 });
  await assert.rejects(swapPair(endingBefore(machine, 7), files, bytes('next')), /ended/);
  assert.equal(`${(await pairAt(machine, files))?.key.toString()}${(await pairAt(machine, files))?.chain.toString()}`, 'key second\nchain renewed\n');
  await swapPair(machine, files, bytes('next'));
  assert.deepEqual(await pairAt(machine, files), bytes('next'));
});
