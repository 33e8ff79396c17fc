/** Links that another user put on the way are no way for root to change anything; those that root made are. Needs root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lchownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { path } from '#base';
import { thisMachine } from '#machine';

const SOMEBODY = 65_534;
const PLACEMENT = { owner: 'root:daemon', mode: 0o700 };
const machine = thisMachine();

/** A folder of somebody's with a link to one of root's, which holds `file`; `by` made the link. */
const linked = async (by: number, work: (link: string, elsewhere: string) => Promise<void>): Promise<void> => {
  const top = mkdtempSync(join(tmpdir(), 'hauspost-straight-'));
  try {
    const [own, elsewhere] = [`${top}/own`, `${top}/elsewhere`];
    for (const folder of [own, elsewhere]) mkdirSync(folder, { mode: 0o755 });
    writeFileSync(`${elsewhere}/file`, 'as it was', { mode: 0o644 });
    symlinkSync(elsewhere, `${own}/link`);
    lchownSync(`${own}/link`, by, by);
    lchownSync(own, SOMEBODY, SOMEBODY);
    await work(`${own}/link`, elsewhere);
  } finally {
    rmSync(top, { recursive: true });
  }
};

const EFFECTS: Readonly<Record<string, (link: string) => Promise<void>>> = {
  'a directory made there': (link) => machine.makeDir(path(link), PLACEMENT),
  'one below it': (link) => machine.makeDir(path(`${link}/a/b`), PLACEMENT),
  'its owner and mode': (link) => machine.place(path(link), PLACEMENT),
  'those of a file in it': (link) => machine.place(path(`${link}/file`), PLACEMENT),
  'a file written': (link) => machine.write(path(`${link}/file`), 'other', PLACEMENT),
  'a file removed': (link) => machine.remove(path(`${link}/file`)),
  'a file moved away': (link) => machine.rename(path(`${link}/file`), path(`${link.slice(0, link.lastIndexOf('/'))}/file`)),
};

const looked = (folder: string): readonly unknown[] =>
  [folder, ...readdirSync(folder).map((name) => `${folder}/${name}`)].map((at) => {
    const { gid, mode, mtimeMs } = statSync(at);
    return [at, gid, mode, mtimeMs];
  });

for (const [what, effect] of Object.entries(EFFECTS))
  test(`${what}: not by somebody's link, and by root's`, async () => {
    await linked(SOMEBODY, async (link, elsewhere) => {
      const before = looked(elsewhere);
      await assert.rejects(effect(link), ({ blame, code, remedy }) => {
        assert.deepEqual([blame, code], ['environment', 'machine.strange-link']);
        return String(remedy).includes(`chown -h root: ${link}`);
      });
      assert.deepEqual(looked(elsewhere), before);
    });
    await linked(0, async (link, elsewhere) => {
      const before = looked(elsewhere);
      await effect(link);
      assert.notDeepEqual(looked(elsewhere), before);
      assert.ok(lstatSync(link).isSymbolicLink());
    });
  });

test('a link itself, whose it may be, is removed, and a file takes its place', async () => {
  for (const replace of [(link: string) => machine.remove(path(link)), (link: string) => machine.write(path(link), 'text', PLACEMENT)])
    await linked(SOMEBODY, async (link, elsewhere) => {
      const before = looked(elsewhere);
      await replace(link);
      assert.notEqual(lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink(), true);
      assert.deepEqual(looked(elsewhere), before);
    });
});

test('nobody waits at a FIFO in the place of a file, and what is not there is said so', async () => {
  await linked(0, async (link) => {
    execFileSync('mkfifo', [`${link}/fifo`]);
    await assert.rejects(machine.place(path(`${link}/fifo`), PLACEMENT), { code: 'EINVAL' }); // fsync(2)
    await assert.rejects(machine.place(path(`${link}/none`), PLACEMENT), { code: 'ENOENT' });
  });
});
