/**
 * C1: `up` installs packages on a machine that has some of them: what becomes of daemons and of somebody else's policy-rc.d (invoke-rc.d(8)) where they
 * cannot be fetched, and where `up` is killed meanwhile.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, HAUSPOST, hasSaid, type Machine, oneDocument, readyOn, until } from '../index.ts';
import { ok } from '../people.ts';

/** Those of the programs that run. */
export const running = async (machine: Machine, ...programs: readonly string[]): Promise<readonly string[]> => {
  const script = 'for program; do pgrep -x "$program" >/dev/null && echo "$program"; done; true';
  return (await machine.run(['sh', '-c', script, 'sh', ...programs])).stdout.split('\n').filter((line) => line !== '');
};

/** Daemons that this machine does not have yet. */
const COMING = ['mariadbd', 'redis-server', 'unbound', 'nginx'];

/** Somebody has said, by a script in another place, what packages may start. */
export const POLICY = '/usr/sbin/policy-rc.d';
const ASIDE = `${POLICY}.before-hauspost`;
export const THEIRS = '/root/policy';
const SAYS = '#!/bin/sh\n[ "$1" != nginx ] || exit 101\n';

/** Holds locks as apt and dpkg do (fcntl(2)), until its input ends. */
const HOLD = `use Fcntl; for (@ARGV) { open my $file, '+>>', $_ or die; my $whole = pack('s s x4 q q i x4', F_WRLCK, 0, 0, 0, 0); fcntl($file, F_SETLK, $whole) or die "$_: $!"; push @held, $file } print STDERR "held\n"; <STDIN>`;
const [DPKGS, APTS] = [['/var/lib/dpkg/lock-frontend', '/var/lib/dpkg/lock'], ['/var/cache/apt/archives/lock']];

/** Where the policy leads, and what waits beside it. */
export const policies = async (machine: Machine): Promise<readonly string[]> => {
  const each = [POLICY, ASIDE].map(async (file) => (await machine.run(['readlink', file])).stdout.trim());
  return Promise.all(each);
};

export const installation = (get: () => Machine): void => {
  test('exit 4: packages that cannot be fetched; nothing starts, and nothing that up has put there stays in the way', async () => {
    const machine = get();
    ok(await machine.run(['sh', '-c', 'mkdir /root/archives && mv /var/cache/apt/archives/*.deb /root/archives/']));
    ok(await machine.run(['sh', '-c', `cat >${THEIRS} && chmod 755 ${THEIRS} && ln -s ${THEIRS} ${POLICY}`], { input: SAYS }));
    const output = await readyOn(machine).run(['up', '--yes', '--json']);
    const { error } = oneDocument(output) as { error: Record<string, string> };
    assert.deepEqual([output.code, error['blame'], error['code']], [4, 'environment', 'packages.not-installed'], output.stderr);
    assert.match(error['message'] ?? '', /^apt-get could not install .*mariadb-server/);
    assert.match(error['remedy'] ?? '', /apt-get update.* run this again/);
    assert.deepEqual(await running(machine, ...COMING, 'master', 'dovecot'), ['master', 'dovecot']);
    assert.deepEqual(await policies(machine), [THEIRS, '']);
    ok(await machine.run(['sh', '-c', 'mv /root/archives/*.deb /var/cache/apt/archives/']));
  });

  test('C1: up waits for who else is at work on packages; killed while its own are installed, apt ends what it began, and no daemon starts with settings that are not ours', async () => {
    const machine = get();
    assert.deepEqual(await running(machine, ...COMING), []);
    const [installing, fetching] = [DPKGS, APTS].map((locks) => machine.spawn(['perl', '-e', HOLD, ...locks]));
    assert.ok(installing !== undefined && fetching !== undefined);
    for (const other of [installing, fetching]) await hasSaid(other, collect(other.stderr), 'held');
    const child = machine.spawn([HAUSPOST, 'up', '--yes']);
    const stderr = collect(child.stderr);
    await hasSaid(child, stderr, 'waiting until it has ended');
    assert.match(stderr.text(), /another program is at work on Debian's packages \((it|\/usr\/bin\/perl) is process \d+\); waiting/);
    // Meanwhile that one installs as ever.
    const master = async (): Promise<string> => ok(await machine.run(['pgrep', '-xo', 'master'])).stdout;
    const before = await master();
    ok(await machine.run(['invoke-rc.d', 'postfix', 'restart']));
    assert.notEqual(await master(), before);
    installing.stdin.end();
    await hasSaid(child, stderr, '(perl is process');
    assert.deepEqual(await running(machine, ...COMING), []);
    fetching.stdin.end();
    const unpacked = async (): Promise<true | undefined> =>
      (await machine.run(['test', '-e', '/var/lib/dpkg/info/unbound.list'])).code === 0 || undefined;
    await until('Unbound is unpacked', async () => (child.exitCode === null ? unpacked() : true), 240_000, 20);
    await machine.run(['pkill', '-KILL', '-f', 'main.ts up']);
    await until('it has ended', () => child.exitCode ?? child.signalCode ?? undefined, 20_000);
    assert.deepEqual(await running(machine, 'apt-get'), ['apt-get'], 'apt goes on');
    await until('apt has ended', async () => (await running(machine, 'apt-get', 'dpkg')).length === 0 || undefined, 240_000, 200);
    const names = ['mariadb-server', 'redis-server', 'unbound', 'nginx'];
    const { stdout } = await machine.run(['dpkg-query', '-W', '-f', '${db:Status-Abbrev}${Package}\n', ...names]);
    assert.equal(stdout, 'ii mariadb-server\nii nginx\nii redis-server\nii unbound\n');
    assert.deepEqual(await running(machine, ...COMING), []);
    // For others nothing is forbidden but what somebody else forbids: the twin.
    assert.deepEqual(await policies(machine), ['', THEIRS]);
    await machine.run(['sh', '-c', 'for service in mariadb redis-server unbound nginx; do invoke-rc.d "$service" start; done']);
    assert.deepEqual(await running(machine, ...COMING), COMING.slice(0, -1));
    ok(await machine.run(['systemctl', 'start', 'nginx']));
    assert.deepEqual(await running(machine, ...COMING), COMING);
  });
};
