import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header } from './text.ts';
import { renderMariadb, renderSystemd } from './ini.ts';
import { lines, ref, type Row, template } from './types.ts';

const mariadb = (...rows: Row[]): string =>
  renderMariadb([{ block: 'mysqld', rows }], '10.11')
    .join('')
    .slice(`${header()}[mysqld]\n`.length);
const systemd = (...rows: Row[]): string =>
  renderSystemd([{ block: 'Service', rows }])
    .join('')
    .slice(`${header()}[Service]\n`.length);

test('MariaDB: strings are quoted and escaped', () => {
  assert.equal(mariadb({ set: 'init-connect', to: 'SET x="y" # \\\n' }), 'init-connect = "SET x=\\"y\\" # \\\\\\n"\n');
  assert.equal(mariadb({ set: 'skip-networking', to: true }, { set: 'max-connections', to: 50 }), 'skip-networking = ON\nmax-connections = 50\n');
  assert.throws(() => mariadb({ set: 'a', to: 'x'.repeat(4001) }), { code: 'format.cannot-hold' });
  assert.throws(() => mariadb({ set: 'a', to: '\0' }), { code: 'format.cannot-hold' });
});

test('systemd: whole lines, and words', () => {
  assert.equal(systemd({ set: 'ExecStart', to: lines('', ['/usr/bin/x', 'a $b', '5%']) }), 'ExecStart=\nExecStart=/usr/bin/x "a $$b" "5%%"\n');
  assert.equal(systemd({ set: 'Environment', to: lines(['A=b c', 'B="\\\n']) }), 'Environment="A=b c" "B=\\"\\\\\\n"\n');
  assert.equal(systemd({ set: 'PIDFile', to: template`/run/${ref('i')}.5%` }), 'PIDFile=/run/%i.5%%\n');
  for (const text of ['a\nb', ' a', 'a ', 'a\\', 'a\0b'])
    assert.throws(() => systemd({ set: 'Description', to: text }), { code: 'format.cannot-hold' });
});

test('sections are apart', () => {
  assert.equal(
    renderSystemd([
      { block: 'Unit', rows: [{ set: 'After', to: 'a.service' }] },
      { block: 'Service', rows: [] },
    ]).join(''),
    `${header()}[Unit]\nAfter=a.service\n\n[Service]\n`,
  );
});
