import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { hostileValues, sorted } from './hostile.lab.ts';
import { renderMariadb, renderSystemd } from './ini.ts';
import { type Block, lines } from './types.ts';

const SEED = 18;
const RELEASES = ['bookworm', 'trixie'] as const;
const name = (index: number): string => `hostile${String(index).padStart(4, '0')}`;

/**
 * systemd as a program that reads units and is not process 1. It refuses to be tested by root, needs to see control groups, and as
 * a user's manager wants the signs of a booted system.
 */
const AS_NOBODY = `mkdir -p /run/systemd/system /run/hostile; mountpoint -q /sys || mount -t sysfs sysfs /sys
  mount -t cgroup2 cgroup2 /sys/fs/cgroup; mkdir -p /sys/fs/cgroup/hostile; echo $$ > /sys/fs/cgroup/hostile/cgroup.procs
  chown -R nobody /run/systemd /run/hostile /sys/fs/cgroup/hostile; export XDG_RUNTIME_DIR=/run/hostile HOME=/run/hostile
  setpriv --reuid=nobody --clear-groups timeout 60 /usr/lib/systemd/systemd --log-target=console`;

const mariadb = sorted(hostileValues(SEED, 1100, 1900), (value) => renderMariadb([{ block: 'mysqld', rows: [{ set: 'a', to: value }] }], '10.11'));
const words = sorted(hostileValues(SEED, 1600), (value) =>
  renderSystemd([{ block: 'Service', rows: [{ set: 'Environment', to: lines([`A=${value}`]) }] }]),
);
const whole = sorted(hostileValues(SEED, 1350), (value) => renderSystemd([{ block: 'Unit', rows: [{ set: 'Description', to: value }] }]));

test(`option files and systemd's words refuse NUL alone; systemd's lines also line breaks, and what is trimmed or continues at an end (seed ${SEED})`, () => {
  assert.ok(mariadb.held.length >= 1000 && words.held.length >= 1000 && whole.held.length >= 1000);
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
    assert.deepEqual(
      dump.stdout
        .slice(0, -1)
        .split(/\n--hostile\d{4}=/)
        .slice(1),
      mariadb.held,
    );
  });

  test(`the server itself reads an option the same way on ${release}`, async () => {
    await using room = await checker(release);
    const value = 'SET @a = "b" \' # ; \\ %u $x {}';
    await room.put({
      '/tmp/my.cnf': renderMariadb(
        [
          {
            block: 'mariadbd',
            rows: [
              { set: 'init-connect', to: value },
              { set: 'max-connections', to: 77 },
            ],
          },
        ],
        '10.11',
      ).join(''),
    });
    const dump = await room.run(['mariadbd', '--defaults-file=/tmp/my.cnf', '--verbose', '--help']);
    assert.equal(/^init-connect +(.*)$/m.exec(dump.stdout)?.[1], value);
    assert.equal(/^max-connections +(.*)$/m.exec(dump.stdout)?.[1], '77');
  });

  test(`${whole.held.length} lines come back from systemd --test on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const described = whole.held.map((value, index): readonly [string, string] => [
      `/etc/systemd/system/${name(index)}.target`,
      renderSystemd([{ block: 'Unit', rows: [{ set: 'Description', to: value }] }]).join(''),
    ]);
    const wants = { block: 'Unit', rows: [{ set: 'Wants', to: whole.held.map((_, index) => `${name(index)}.target`) }] };
    await room.put({ ...Object.fromEntries(described), '/etc/systemd/system/hostile.target': renderSystemd([wants]).join('') });
    const dump = await room.run(['sh', '-c', `${AS_NOBODY} --test --system --unit=hostile.target --no-pager`]);
    assert.equal(dump.code, 0, dump.stderr);
    const shown = [...dump.stdout.matchAll(/Unit (hostile\d{4})\.target:\n\t\tDescription: ([^\n]*)\n/g)];
    const descriptions = new Map(shown.map((match) => [match[1], match[2]]));
    assert.deepEqual(
      whole.held.map((_, index) => descriptions.get(name(index))),
      whole.held.map((value, index) => (value === '' ? `${name(index)}.target` : value)),
    );
  });

  test(`${words.held.length} words reach a program as arguments and as environment on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const environment = words.held.map((value, index) => [`${name(index)}=${value}`] as const);
    const unit: readonly Block[] = [
      {
        block: 'Unit',
        rows: [
          { set: 'DefaultDependencies', to: false },
          { set: 'SuccessAction', to: 'exit-force' },
          { set: 'FailureAction', to: 'exit-force' },
        ],
      },
      {
        block: 'Service',
        rows: [
          { set: 'Type', to: 'oneshot' },
          { set: 'StandardOutput', to: 'append:/run/hostile/out' },
          { set: 'Environment', to: lines(...environment) },
          { set: 'ExecStart', to: lines(['/usr/bin/printf', '%s\\0', ...words.held, 'end of arguments'], ['/usr/bin/env', '-0']) },
        ],
      },
    ];
    await room.put({ '/run/hostile/systemd/user/hostile.service': renderSystemd(unit).join('') });
    const ran = await room.run(['sh', '-c', `${AS_NOBODY} --user --unit=hostile.service; cat /run/hostile/out`]);
    const output = ran.stdout.split('\0');
    assert.deepEqual(output.slice(0, words.held.length), words.held, ran.stderr);
    assert.equal(output[words.held.length], 'end of arguments');
    const variables = new Set(output.slice(words.held.length + 1));
    assert.deepEqual(
      environment.filter(([variable]) => !variables.has(variable)),
      [],
    );
  });
}
