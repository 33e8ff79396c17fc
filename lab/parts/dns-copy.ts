/**
 * A copy of a server, started from its backup beside it: with another identity and another address it has all that the first one has, and would lead the
 * world to itself. At a name server that takes changes (Knot).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesOf, heldBy, type Internet, type Ours } from '../internet/index.ts';
import { answered, exits, type Finding } from '../operator.ts';
import { json } from '../people.ts';
import { configure, push, section, shell } from './dns-pushed.ts';

interface Place {
  readonly net: Internet;
  readonly server: Ours;
}

interface Upkept {
  readonly done: readonly string[];
  readonly findings: readonly Finding[];
}

/** Where nobody else is. */
const COPY = addressesOf(9000).v4;
const FOUND = 'dns.another-machine';

const found = async (server: Ours, command: 'upkeep' | 'status'): Promise<boolean> =>
  ((await json(server, command)) as Upkept).findings.some(({ code }) => code === FOUND);

/** The address of IPv4 is another one, and IPv6 stays. */
const moved = async (server: Ours, from: string, to: string): Promise<void> => {
  await shell(server, `ip address del ${from}/16 dev host0 && ip address add ${to}/16 dev host0 && ip route replace default dev host0`);
};

/** As if they had signed for years. */
const agedKeys = async (server: Ours, domain: string): Promise<void> => {
  const keys = (await json(server, 'dkim', 'list', domain)) as readonly { readonly selector: string; readonly algorithm: string }[];
  const since = '2020-01-01T00:00:00.000Z';
  const old = Object.fromEntries(keys.map(({ selector, algorithm }) => [selector, { algorithm, state: 'active', since }]));
  const folder = `/var/lib/hauspost/dkim/${domain}`;
  await shell(server, `mkdir -p ${folder}; cat >${folder}/keys.json`, JSON.stringify({ keys: old }));
};

const isMade = (line: string): boolean => line.startsWith('DKIM key ') && line.includes(' was made;');

export const keptByCopy = (get: () => Place): void => {
  test('a copy of the server, with an address of its own, publishes nothing and turns no key by itself, and says so; once dns push was agreed to it does both', async () => {
    const { net, server } = get();
    const { domain, hostname, addresses } = server.identity;
    await configure(server, section());
    await push(server);
    const before = await heldBy(net, 'primary', domain);
    assert.ok(before.some((line) => line.startsWith(`${hostname}. `) && line.endsWith(` A ${addresses.v4}`)));
    assert.deepEqual([await found(server, 'upkeep'), await found(server, 'status')], [false, false]);
    await agedKeys(server, domain);
    await shell(server, 'cp -p /etc/machine-id /root/machine-id; echo 0123456789abcdef0123456789abcdef >/etc/machine-id');
    await moved(server, addresses.v4, COPY);
    const { code, document } = await answered<Upkept>(server, 'upkeep');
    assert.deepEqual(await heldBy(net, 'primary', domain), before);
    const first = document.findings.find((each) => each.code === FOUND);
    assert.match(`${code} ${first?.message} ${first?.remedy}`, /^0 .*by another machine.*'hauspost dns push'/);
    assert.deepEqual(document.done.filter(isMade), []);
    assert.ok(await found(server, 'status'));
    const { stderr } = await exits(server, 3, 'dns', 'push');
    assert.match(stderr, /^Another machine has published so far/m);
    // Of a part of it nobody has agreed to all.
    await push(server, 0, domain);
    assert.ok(await found(server, 'upkeep'));
    await push(server);
    const address = (await heldBy(net, 'primary', domain)).filter((line) => line.startsWith(`${hostname}. `) && / A /.test(line));
    assert.deepEqual(
      address.map((line) => line.split(' ').at(-1)),
      [COPY],
    );
    const after = (await json(server, 'upkeep')) as Upkept;
    assert.equal(
      after.findings.some((each) => each.code === FOUND),
      false,
    );
    assert.equal(after.done.filter(isMade).length, 2);
    assert.equal(await found(server, 'status'), false);
    await moved(server, COPY, addresses.v4);
    await shell(server, 'cp -p /root/machine-id /etc/machine-id');
  });
};
