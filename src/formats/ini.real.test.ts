import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { hostileValues, sorted } from './hostile.ts';
import { renderMariadb, renderSystemd } from './ini.ts';
import { type Block, lines } from './types.ts';

const SEED = 18;
const RELEASES = ['bookworm', 'trixie'] as const;
const name = (index: number): string => `hostile${String(index).padStart(4, '0')}`;

const mariadb = sorted(hostileValues(SEED, 1100, 1900), (value) => renderMariadb([{ block: 'mysqld', rows: [{ set: 'a', to: value }] }], '10.11'));
const words = sorted(hostileValues(SEED, 1600), (value) => renderSystemd([{ block: 'Service', rows: [{ set: 'Environment', to: lines([`A=${value}`]) }] }]));
const whole = sorted(hostileValues(SEED, 500), (value) => renderSystemd([{ block: 'Unit', rows: [{ set: 'Description', to: value }] }]));

test(`option files and systemd's words refuse NUL alone; systemd's lines also line breaks, and what is trimmed or continues at an end (seed ${SEED})`, () => {
  assert.ok(mariadb.held.length >= 1000 && words.held.length >= 1000 && whole.held.length >= 200);
  for (const value of mariadb.refused) assert.match(value, /\0/);
  for (const value of words.refused) assert.match(value, /\0/);
  for (const value of whole.refused) assert.match(value, /[\0\n\r]|^[ \t]|[ \t]$|\\$/);
});

for (const release of RELEASES) {
  test(`${mariadb.held.length} values come back from my_print_defaults on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const rows = mariadb.held.map((value, index) => ({ set: name(index), to: value }));
    await room.put({ '/tmp/my.cnf': renderMariadb([{ block: 'mysqld', rows: [{ set: 'first', to: '' }, ...rows] }], '10.11').join('') });
    const dump = await room.run(['my_print_defaults', '--defaults-file=/tmp/my.cnf', 'mysqld']);
    assert.equal(dump.code, 0, dump.stderr);
    assert.deepEqual(dump.stdout.slice(0, -1).split(/\n--hostile\d{4}=/).slice(1), mariadb.held);
  });

  test(`the server itself reads an option the same way on ${release}`, async () => {
    await using room = await checker(release);
    const value = 'SET @a = "b" \' # ; \\ %u $x {}';
    await room.put({ '/tmp/my.cnf': renderMariadb([{ block: 'mariadbd', rows: [{ set: 'init-connect', to: value }, { set: 'max-connections', to: 77 }] }], '10.11').join('') });
    const dump = await room.run(['mariadbd', '--defaults-file=/tmp/my.cnf', '--verbose', '--help']);
    assert.equal(/^init-connect +(.*)$/m.exec(dump.stdout)?.[1], value);
    assert.equal(/^max-connections +(.*)$/m.exec(dump.stdout)?.[1], '77');
  });

  test(`${words.held.length} words and ${whole.held.length} lines come back from systemd --test on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const environment = words.held.map((value, index): [string] => [`${name(index)}=${value}`]);
    const service: Block = { block: 'Service', rows: [{ set: 'ExecStart', to: '/bin/true' }, { set: 'Environment', to: lines(...environment) }] };
    const described = whole.held.map((value, index): readonly [string, string] =>
      [`/etc/systemd/system/${name(index)}.target`, renderSystemd([{ block: 'Unit', rows: [{ set: 'Description', to: value }] }]).join('')]);
    const wants = { block: 'Unit', rows: [{ set: 'Wants', to: whole.held.map((_, index) => `${name(index)}.target`) }] };
    await room.put({ ...Object.fromEntries(described), '/etc/systemd/system/hostile.service': renderSystemd([wants, service]).join('') });
    // It refuses to be tested by root, and needs to see control groups.
    const script = 'mount -t sysfs sysfs /sys; mount -t cgroup2 cgroup2 /sys/fs/cgroup; install -d -o nobody /run/hostile /run/systemd\n'
      + 'XDG_RUNTIME_DIR=/run/hostile exec setpriv --reuid=nobody --clear-groups /usr/lib/systemd/systemd --test --system --unit=hostile.service --no-pager --log-target=console';
    const dump = await room.run(['sh', '-c', script]);
    assert.equal(dump.code, 0, dump.stderr);
    const descriptions = new Map([...dump.stdout.matchAll(/Unit (hostile\d{4})\.target:\n\t\tDescription: ([^\n]*)\n/g)].map((match) => [match[1], match[2]]));
    assert.deepEqual(whole.held.map((_, index) => descriptions.get(name(index))), whole.held.map((value, index) => (value === '' ? `${name(index)}.target` : value)));
    const shown = dump.stdout.slice(dump.stdout.indexOf('Unit hostile.service:\n')).split(/^\t\tEnvironment: hostile\d{4}=/m).slice(1);
    // What follows the last one is not part of it.
    assert.deepEqual(shown.slice(0, -1).map((value) => value.slice(0, -1)), words.held.slice(0, -1));
  });
}
