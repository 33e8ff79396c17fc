/** What is written is understood by the real program of both releases, and a file that says something else is noticed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker, type Room, until } from '#lab';
import { talk } from '#machine';
import type { CheckRoom, RenderInput, Vantage } from '#model';
import { inputFor, LOCAL, PUBLIC } from '../test-input.lab.ts';
import { KEY_ZONE, unbound } from './index.ts';

const FILE = '/etc/unbound/unbound.conf';

const written = (input: RenderInput): string => {
  const item = unbound.items(input).find((each) => each.kind === 'file' && each.path === FILE);
  assert.ok(item?.kind === 'file');
  return item.text.join('');
};

const codes = async (room: Room, input: RenderInput, text: string): Promise<readonly string[]> => {
  await room.put({ [FILE]: text });
  const view: CheckRoom = { run: (argv, options) => room.run(argv, options) };
  return (await unbound.check(view, input)).map((found) => found.code);
};

const forwarding = (input: RenderInput, ...forwarders: readonly string[]): RenderInput => ({
  ...input,
  settings: { ...input.settings, resolver: { ...input.settings.resolver, mode: 'forward', forwarders } },
});

/** What the probe of the forwarders has to say of the one that runs there. */
const forwardsElsewhere = async ({ root }: Room, input: RenderInput): Promise<readonly string[]> => {
  const vantage: Vantage = {
    now: () => new Date(),
    talk: (target, dialogue) => talk('socket' in target ? { socket: `${root}${target.socket}` } : target, dialogue),
  };
  const probe = unbound.probes(input).find(({ name }) => name.startsWith('unbound forwards to '));
  assert.ok(probe !== undefined);
  return (await probe.run(vantage)).map(({ code }) => code);
};

/** Two links, neither of which leads anywhere. */
const LINKS =
  'sysctl -qw net.ipv6.conf.default.accept_dad=0; ip link set lo up; ip link add eth0 type veth peer name eth1; for i in eth0 eth1; do ip link set $i up; done';

for (const release of ['bookworm', 'trixie'] as const) {
  test(`unbound on ${release}: silent where it understood, loud where it did not`, async () => {
    await using room = await checker(release);
    for (const config of [LOCAL, PUBLIC]) {
      const input = inputFor(release, 'systemd', config);
      const text = written(input);
      assert.deepEqual(await codes(room, input, text), []);
      assert.ok(text.includes('prefetch: yes'));
      assert.deepEqual(await codes(room, input, text.replace('prefetch: yes', 'prefetch: no')), ['unbound.misread']);
      assert.deepEqual(await codes(room, input, text.replace('server:\n', 'server:\n    prefetsch: yes\n')), ['unbound.refused']);
    }
  });
  test(`unbound on ${release}: whom it forwards to is told from others, and a link-local one is asked by its link`, async () => {
    await using room = await checker(release);
    const done = async (script: string): Promise<string> => {
      const { code, stdout, stderr } = await room.run(['sh', '-c', script]);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const input = inputFor(release, 'systemd', LOCAL);
    const ours = forwarding(input, '2001:db8::53', 'fe80::1%eth1', '192.0.2.53');
    await room.put({ [FILE]: written(ours), [KEY_ZONE]: '' });
    await done(`${LINKS}; unbound -c ${FILE}`);
    assert.deepEqual(await forwardsElsewhere(room, ours), []);
    assert.deepEqual(
      await forwardsElsewhere(room, forwarding(input, '192.0.2.53', 'fe80::1%eth0', '2001:db8::53', 'fe80::1%eth1')),
      [],
      'it tells no links',
    );
    for (const others of [
      ['2001:db8::53', '192.0.2.53'],
      ['2001:db8::53', 'fe80::2%eth1', '192.0.2.53'],
    ])
      assert.deepEqual(await forwardsElsewhere(room, forwarding(input, ...others)), ['unbound.forwards-elsewhere']);
    const looked = async (): Promise<string | undefined> => {
      await done('dig +tries=1 +time=1 @127.0.0.1 a.example >/dev/null || test $? = 9');
      return /^fe80::1 dev .*$/m.exec(await done('ip -6 neigh'))?.[0];
    };
    assert.match(await until('it looks for fe80::1', looked, 20_000), / dev eth1 /);
  });
}
