/** Where links lead, as realpath(3) says it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { path } from '#base';
import { followed, thisMachine } from '#machine';

test('a relative link begins in the folder that it lies in, also where that is reached by a link; an absolute one anywhere', async () => {
  const top = mkdtempSync(join(tmpdir(), 'hauspost-links-'));
  try {
    for (const folder of ['var', 'disk/vmail/deep', 'disk/mailboxes', 'disk/sieve']) mkdirSync(`${top}/${folder}`, { recursive: true });
    symlinkSync('../disk/vmail', `${top}/var/vmail`);
    symlinkSync('../mailboxes', `${top}/disk/vmail/mailboxes`);
    symlinkSync(`${top}/disk/sieve`, `${top}/disk/vmail/sieve`);
    symlinkSync('../../sieve', `${top}/disk/vmail/deep/sieve`);
    const machine = thisMachine();
    for (const link of ['vmail', 'vmail/mailboxes', 'vmail/sieve', 'vmail/deep/sieve']) {
      const found = await followed(machine, path(`${top}/var/${link}`));
      assert.equal(realpathSync(found), realpathSync(`${top}/var/${link}`), link);
      assert.equal((await machine.state(found))?.kind, 'dir', link);
    }
    symlinkSync('vmail/circle', `${top}/var/circle`);
    symlinkSync('../../var/circle', `${top}/disk/vmail/circle`);
    assert.equal((await machine.state(await followed(machine, path(`${top}/var/circle`))))?.kind, 'link');
  } finally {
    rmSync(top, { recursive: true });
  }
});
