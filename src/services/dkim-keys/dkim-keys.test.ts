/** What a machine of either kind gets for the daemon of our own; what it does there is in lab/scenarios/dkim-keys.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unitItems } from '../units.ts';
import { inputFor } from '../test-input.lab.ts';
import { dkimKeys } from './index.ts';

const textOf = (init: 'systemd' | 'runit'): Readonly<Record<string, string>> => {
  const input = inputFor('trixie', init);
  const items = [...dkimKeys.items(input), ...unitItems(dkimKeys, [], input)];
  return Object.fromEntries(items.flatMap((item) => (item.kind === 'file' ? [[item.path, item.text.join('')]] : [])));
};

test('systemd: a unit, and a drop-in that starts it at boot', () => {
  const files = textOf('systemd');
  const body = (name: string): string => (files[`/etc/systemd/system/${name}`] ?? '').replace(/^#.*\n/gm, '');
  assert.equal(
    body('hauspost-dkim-keys.service'),
    '[Unit]\nDescription=DKIM keys for domains that SQL adds\n\n[Service]\nType=exec\nExecStart=/usr/local/lib/hauspost/dkim-keys\nRestart=always\nRestartSec=10\n',
  );
  assert.equal(body('multi-user.target.d/hauspost.conf'), '[Unit]\nWants=hauspost-dkim-keys.service\n');
});

test('runit: a run script, and no unit', () => {
  const files = textOf('runit');
  assert.match(files['/etc/hauspost/runit/dkim-keys/run'] ?? '', /\nexec \/usr\/local\/lib\/hauspost\/dkim-keys\n$/);
  assert.deepEqual(
    Object.keys(files).filter((file) => file.includes('systemd')),
    [],
  );
});

test("the loop calls the command that is on everybody's PATH, and asks MariaDB on its socket as root, whatever my.cnf says", () => {
  const script = textOf('systemd')['/usr/local/lib/hauspost/dkim-keys'] ?? '';
  assert.match(script, /^#!\/bin\/sh\n/);
  assert.match(script, /\$\(\/usr\/local\/bin\/hauspost dkim sync 2>&1\)/);
  assert.match(script, /mariadb --no-defaults --socket=\/run\/mysqld\/mysqld\.sock --user=root /);
});
