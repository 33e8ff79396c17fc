/** Generations are pruned by count: never the one in place, nor the one that was being entered, nor what was there before. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { path } from '#base';
import { thisMachine } from '#machine';
import { FORMAT, openStore, type Store } from './store.ts';

const meta = (number: number, applied: boolean) => {
  const created = '2026-01-01T00:00:00.000Z';
  return { number, created, summary: '', version: '0', format: FORMAT, codename: 'bookworm', applied: applied ? created : null };
};

const withStore = async (work: (store: Store, listed: () => Promise<readonly string[]>) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'hauspost-store-'));
  try {
    const places = { state: path(folder), generations: path(`${folder}/generations`) };
    await work(openStore(thisMachine(), places), async () => (await readdir(places.generations)).toSorted((a, b) => Number(a) - Number(b)));
  } finally {
    await rm(folder, { recursive: true });
  }
};

const range = (first: number, last: number): readonly number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);

const fill = async (store: Store, numbers: readonly number[], applied = true): Promise<void> => {
  for (const number of numbers)
    await store.save({ meta: meta(number, applied), manifest: { items: [] }, input: undefined, source: '' }, () => Promise.resolve(''));
};

test('the newest thirty stay besides the one in place, however old that is', () =>
  withStore(async (store, listed) => {
    await store.originals.begin([], false);
    await fill(store, range(1, 40));
    await store.setState({ committed: 3, entering: null });
    await store.sweep();
    assert.deepEqual(await listed(), [0, 3, ...range(11, 40)].map(String));
    await store.sweep();
    assert.deepEqual(await listed(), [0, 3, ...range(11, 40)].map(String));
  }));

test('what was never in place goes, unless it is being entered', () =>
  withStore(async (store, listed) => {
    await fill(store, [1, 2]);
    await fill(store, [3, 4, 5], false);
    await store.setState({ committed: 2, entering: 4 });
    await store.sweep();
    assert.deepEqual(await listed(), ['1', '2', '4']);
  }));
