/** What a machine of either kind gets for the daemon of our own; what it does there is in lab/scenarios/dkim-keys.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesOf, testOwnUnit } from '../own-unit.lab.ts';
import { dkimKeys } from './index.ts';

testOwnUnit(dkimKeys, { description: 'DKIM keys for domains that SQL adds', wanted: 'hauspost.conf' });

test("the loop calls the command that is on everybody's PATH, and asks MariaDB on its socket as root, whatever my.cnf says", () => {
  const script = filesOf(dkimKeys, 'systemd')['/usr/local/lib/hauspost/dkim-keys'] ?? '';
  assert.match(script, /^#!\/bin\/sh\n/);
  assert.match(script, /\$\(\/usr\/local\/bin\/hauspost dkim sync 2>&1\)/);
  assert.match(script, /mariadb --no-defaults --socket=\/run\/mysqld\/mysqld\.sock --user=root /);
});
