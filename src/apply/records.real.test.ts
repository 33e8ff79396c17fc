/** What is damaged is refused with what to do, and never taken for "nothing was applied yet": state.json, and what says of a generation that it is whole. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HauspostError, path } from '#base';
import { thisMachine } from '#machine';
import { openStore, type Store } from './store.ts';

const CREATED = '2026-01-01T00:00:00.000Z';

/** Generations 1 and 2 were in place, 2 is; 3 was staged. */
const withStore = async (work: (store: Store, folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'hauspost-records-'));
  try {
    const store = openStore(thisMachine(), { state: path(folder), generations: path(`${folder}/generations`) });
    for (const number of [1, 2, 3]) {
      const meta = { number, format: 1, created: CREATED, summary: '', version: '0', codename: 'bookworm', applied: number < 3 ? CREATED : null };
      await store.save({ meta, manifest: { items: [] }, input: undefined, source: '' }, () => Promise.resolve(''));
    }
    await store.setState({ committed: 2, entering: null });
    await work(store, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
};

const refused = (message: RegExp, remedy: RegExp) => (error: unknown) => {
  assert.ok(error instanceof HauspostError);
  assert.deepEqual([error.blame, error.code, error.exitCode], ['environment', 'store.damaged', 4]);
  assert.match(error.message, message);
  assert.match(error.remedy, remedy);
  return true;
};

const LAST = /^Put it back from a backup, or write what was in place last: \{"committed":2,"entering":null\}$/;

for (const [what, content, message] of [
  ['empty', '', /state\.json is empty; nothing was changed$/],
  ['torn', '{\n "committed": 2,\n', /state\.json cannot be read as JSON; nothing was changed$/],
  ['octets of zero', '\0\0\0\0', /state\.json cannot be read as JSON/],
  ['null', 'null\n', /state\.json does not say what is in place/],
  ['something else', '{"committed":"2"}', /state\.json does not say what is in place/],
] as const)
  test(`a state.json that is ${what} is refused, and says what to write`, () =>
    withStore(async (store, folder) => {
      await writeFile(`${folder}/state.json`, content);
      await assert.rejects(store.state(), refused(message, LAST));
      await assert.rejects(store.sweep(), refused(message, LAST));
      assert.deepEqual(await store.numbers(), [1, 2, 3]);
      await writeFile(`${folder}/state.json`, '{"committed":2,"entering":null}');
      assert.deepEqual(await store.state(), { committed: 2, entering: null });
    }));

test('a state.json that is gone is refused where a generation was in place, and means a bare machine where none was', () =>
  withStore(async (store, folder) => {
    await rm(`${folder}/state.json`);
    await assert.rejects(store.state(), refused(/state\.json is missing/, LAST));
    await rm(`${folder}/generations/1`, { recursive: true });
    await rm(`${folder}/generations/2`, { recursive: true });
    assert.deepEqual(await store.state(), { committed: null, entering: null });
  }));

for (const name of ['manifest.json', 'meta.json'])
  test(`a generation whose ${name} is empty or gone is not loaded as one without files`, () =>
    withStore(async (store, folder) => {
      const file = `${folder}/generations/2/${name}`;
      assert.equal((await store.load(2)).meta.number, 2);
      await truncate(file);
      await assert.rejects(store.load(2), refused(/\/2\/[a-z]+\.json is empty/, /backup/));
      await rm(file);
      await assert.rejects(
        store.load(2),
        refused(/generations\/2 is not whole/, /Unless generation 2 is in place, .*generations\/2 can be removed instead/),
      );
      assert.equal((await store.load(1)).meta.number, 1);
    }));

test('what is left of a generation that was being staged, or removed, is none, and goes with the next sweep', () =>
  withStore(async (store, folder) => {
    await rm(`${folder}/generations/1/meta.json`);
    assert.deepEqual(
      (await store.metas()).map(({ number }) => number),
      [2, 3],
    );
    await store.sweep();
    assert.deepEqual(await store.numbers(), [2]);
  }));
