/** What a machine of either kind gets for the loop that calls `hauspost upkeep`; and that loop itself, run by sh(1) with a clock and a Hauspost of the test. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { filesOf, testOwnUnit } from '../own-unit.lab.ts';
import { upkeep } from './index.ts';

const SCRIPT = '/usr/local/lib/hauspost/upkeep';

testOwnUnit(upkeep, { description: 'Certificates and keys that are to be renewed', wanted: 'hauspost-upkeep.conf' });

const scratch = mkdtempSync(join(tmpdir(), 'hauspost-upkeep-'));
after(() => rmSync(scratch, { recursive: true }));

/** Each step is a minute: its time, what lies in the file before it, and what Hauspost says if it is called. */
type Step = readonly [now: number, due: string | undefined, says: string];

/** What the loop said, and at which times it called; it ends with the steps. */
const run = async (steps: readonly Step[]): Promise<{ readonly said: string; readonly called: readonly number[] }> => {
  const due = join(scratch, 'due');
  const calls = join(scratch, 'calls');
  for (const file of [due, calls]) rmSync(file, { force: true });
  writeFileSync(calls, '');
  const minutes = steps
    .map(([now, at, says], index) => `${index}) ${at === undefined ? '' : `echo '${at}' >${due};`} now=${now}; says='${says}' ;;`)
    .join('\n');
  // Functions come before programs of the same name (sh(1)); the loop knows its programs by their names alone, but for Hauspost.
  const before = `step=0
sleep() { case $step in\n${minutes}\n*) exit 0 ;; esac; step=$((step + 1)); NOW=$now; SAYS=$says; }
date() { echo "$NOW"; }
hauspost() { echo "$NOW" >>${calls}; printf %s "$SAYS"; }
`;
  const script = (filesOf(upkeep, 'systemd')[SCRIPT] ?? '').replaceAll('/run/hauspost', scratch).replace(`due=${scratch}/upkeep`, `due=${due}`);
  const text = before + script.replace('/usr/local/bin/hauspost upkeep', 'hauspost upkeep');
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', text]);
  return { said: stdout, called: readFileSync(calls, 'utf8').split('\n').slice(0, -1).map(Number) };
};

test('it calls where no file says when, when the time has come, and when it is further away than an hour; not before', async () => {
  const { called } = await run([
    [1000, undefined, ''],
    [1060, undefined, ''], // the loop itself wrote a time, ten minutes ahead, since nobody else did
    [1660, undefined, ''],
    [1720, '1780', ''],
    [1780, undefined, ''],
    [1840, '5440', ''],
    [1900, '5501', ''],
    [1960, 'never', ''],
  ]);
  assert.deepEqual(called, [1000, 1660, 1780, 1900, 1960]);
});

test('it passes on what Hauspost says, the same words once a day, and nothing where that says nothing', async () => {
  const again = ['broken', 'broken', '', 'broken', 'done'].map((says, index): Step => [1000 + index, '0', says]);
  assert.equal((await run(again)).said, 'broken\nbroken\ndone\n');
  const days = [86_300, 86_390, 86_400, 172_799, 172_800].map((now): Step => [now, '0', 'broken']);
  assert.equal((await run(days)).said, 'broken\nbroken\nbroken\n');
});
