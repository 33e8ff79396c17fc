/**
 * Name servers of both releases: what is published comes back as it was written; which zone a name lies in and who serves it is found out from the root
 * down, also where servers are dead, know nothing of the zone, or hold another version of it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDomain, parseFqdn } from '#base';
import { renderZone, type ZoneRecord } from '#formats';
import { knotServer, type Room, until, zoneReader } from '#lab';
import { handsIn, socketsIn } from './asking.lab.ts';
import { type Asker, type AskingHands, asker } from './asking.ts';
import { check, zoneFindings } from './check/index.ts';
import { zonesHolding } from './delegation.ts';
import { ED25519, facts, RSA } from './facts.lab.ts';
import { recordsOf } from './records.ts';
import { type Published, shownBy } from './shown.ts';

const [ABOVE, FIRST, SECOND, DEAD, RESOLVER] = ['127.0.0.49', '127.0.0.51', '127.0.0.52', '127.0.0.77', { address: '127.0.0.50', port: 53 }];

const soa = (zone: string, serial: number): string => `${zone} 60 IN SOA ns.test. hostmaster.test. ${serial} 3600 600 86400 30\n`;

const ROOT = `${soa('.', 1)}. 60 IN NS above.test.\nabove.test. 60 IN A ${ABOVE}\ntest. 60 IN NS above.test.\n`;
const TEST = `${soa('test.', 1)}test. 60 IN NS above.test.
above.test. 60 IN A ${ABOVE}
ns.test. 60 IN A ${FIRST}
ns2.test. 60 IN A ${SECOND}
gone.test. 60 IN A ${DEAD}
zone.test. 60 IN NS ns.test.
zone.test. 60 IN NS ns2.test.
zone.test. 60 IN NS gone.test.
zone.test. 60 IN NS nowhere.test.
lame.test. 60 IN NS ns.test.
lame.test. 60 IN NS ns2.test.
dead.test. 60 IN NS ns.dead.test.
hidden.test. 60 IN NS gone.test.
ns.dead.test. 60 IN A ${DEAD}
`;

const KEY = `v=DKIM1; k=rsa; p=${RSA}`;
const SPF = 'v=spf1 a:mail.zone.test ~all';

const both: readonly ZoneRecord[] = [
  { name: 'mail.zone.test', ttl: 300, type: 'A', data: { address: '192.0.2.25' } },
  { name: 'mail.zone.test', ttl: 300, type: 'AAAA', data: { address: '2001:db8::25' } },
  { name: 'mail.zone.test', ttl: 300, type: 'CAA', data: { flags: 128, tag: 'issue', value: 'ca.test; x="y"' } },
  { name: 'zone.test', ttl: 60, type: 'MX', data: { preference: 10, exchange: 'mail.zone.test' } },
  { name: '_imaps._tcp.zone.test', ttl: 60, type: 'SRV', data: { priority: 0, weight: 1, port: 993, target: 'mail.zone.test' } },
  { name: '_pop3._tcp.zone.test', ttl: 60, type: 'SRV', data: { priority: 0, weight: 0, port: 0, target: '.' } },
  { name: '_25._tcp.mail.zone.test', ttl: 60, type: 'TLSA', data: { usage: 3, selector: 1, matching: 2, digest: 'ab'.repeat(64) } },
  { name: 'imap.zone.test', ttl: 60, type: 'CNAME', data: { target: 'mail.zone.test' } },
  { name: 'selector._domainkey.zone.test', ttl: 60, type: 'TXT', data: { text: KEY } },
  { name: 'alias._domainkey.zone.test', ttl: 60, type: 'CNAME', data: { target: 'selector._domainkey.zone.test' } },
  { name: 'aside._domainkey.zone.test', ttl: 60, type: 'CNAME', data: { target: 'key.test' } },
  // By UDP there is no room for it.
  { name: 'large.zone.test', ttl: 60, type: 'TXT', data: { text: 'large '.repeat(600) } },
  ...Array.from({ length: 40 }, (_, index) => ({ name: `t${index}.zone.test`, ttl: 60, type: 'TXT' as const, data: { text: `${index} "; \\é` } })),
];
const onFirst: readonly ZoneRecord[] = [{ name: 'zone.test', ttl: 7200, type: 'TXT', data: { text: SPF } }];
const onSecond: readonly ZoneRecord[] = [{ name: 'zone.test', ttl: 60, type: 'TXT', data: { text: 'v=spf1 -all' } }];

const behind = facts({
  ...{ hostname: parseFqdn('mail.hidden.test'), home: parseDomain('hidden.test'), reached: { v4: ['192.0.2.25'], v6: [] } },
  domains: [{ domain: parseDomain('hidden.test'), dkim: [] }],
});
const hidden = recordsOf(behind);

/** No name server can be reached: as it is, where port 53 is shut; the resolver asks others. */
const byResolverAlone = async (asking: Asker): Promise<void> => {
  const given = { facts: behind, records: { ...hidden, reverse: [] }, gone: [] };
  const told = async (recursive: boolean): Promise<readonly string[]> => {
    const outcome = await check(asking, { ...given, recursive });
    const zones = zoneFindings(outcome, { now: new Date(), validates: false, ipv6: true, dane: true }, recursive);
    return [...zones.map(({ code }) => code), ...new Set(outcome.checked.map(({ state }) => state))];
  };
  assert.deepEqual(await told(false), ['dns.resolver-alone', 'right']);
  assert.deepEqual(await told(true), ['dns.servers-dead', 'unknown']);
};

const head = (serial: number, itself: readonly string[]): string =>
  `${soa('zone.test.', serial)}${itself.map((name) => `zone.test. 60 IN NS ${name}.\n`).join('')}`;

const zoneAt = (serial: number, records: readonly ZoneRecord[]): string => head(serial, ['ns.test', 'ns2.test']) + renderZone(records);

const knot = (address: string, zones: readonly string[]): string => `${knotServer([`${address}@53`], `/srv/${address}`)}template:
  - id: default
    semantic-checks: off
zone:
${zones.map((zone) => `  - domain: ${zone}\n    file: /srv/${address}/${zone}zone\n`).join('')}`;

const UNBOUND = `server:
    interface: ${RESOLVER.address}
    do-not-query-localhost: no
    username: ""
    chroot: ""
    directory: "/srv"
    pidfile: "/srv/unbound.pid"
    use-syslog: no
    module-config: "iterator"
    local-zone: "test." nodefault
    root-hints: "/srv/hints"
stub-zone:
    name: "hidden.test"
    stub-addr: ${FIRST}
`;

const begin = async (room: Room, hands: AskingHands): Promise<Asker> => {
  await room.put({
    [`/srv/${ABOVE}/knot.conf`]: knot(ABOVE, ['.', 'test.']),
    [`/srv/${ABOVE}/.zone`]: ROOT,
    [`/srv/${ABOVE}/test.zone`]: `${TEST}${renderZone([{ name: 'key.test', ttl: 60, type: 'TXT', data: { text: KEY } }])}`,
    [`/srv/${FIRST}/knot.conf`]: knot(FIRST, ['zone.test.', 'hidden.test.']),
    [`/srv/${FIRST}/hidden.test.zone`]: `${soa('hidden.test.', 3)}hidden.test. 60 IN NS gone.test.\n${renderZone(hidden.records)}`,
    [`/srv/${FIRST}/zone.test.zone`]: zoneAt(8, [...both, ...onFirst]),
    [`/srv/${SECOND}/knot.conf`]: knot(SECOND, ['zone.test.']),
    [`/srv/${SECOND}/zone.test.zone`]: zoneAt(7, [...both, ...onSecond]),
    '/srv/unbound.conf': UNBOUND,
    '/srv/hints': `. 3600000 NS above.test.\nabove.test. 3600000 A ${ABOVE}\n`,
  });
  const daemons = [
    ...[ABOVE, FIRST, SECOND].map((address) => ['knotd', '-d', '-c', `/srv/${address}/knot.conf`]),
    ['unbound', '-c', '/srv/unbound.conf'],
  ];
  for (const argv of daemons) {
    const { code, stderr } = await room.run(argv);
    assert.equal(code, 0, stderr);
  }
  const fresh = (): Asker => asker(hands, RESOLVER);
  const serves = (server: string, name: string) => async (): Promise<true | undefined> =>
    (await fresh().one({ name, type: 'SOA', server }))?.status === 'NOERROR' || undefined;
  for (const [server, name] of [
    [ABOVE, '.'],
    [ABOVE, 'test'],
    [FIRST, 'zone.test'],
    [FIRST, 'hidden.test'],
    [SECOND, 'zone.test'],
  ] as const)
    await until(`${server} serves ${name}`, serves(server, name), 30_000);
  return fresh();
};

const asIs = async ({ ask }: Asker): Promise<void> => {
  const replies = await ask(both.map(({ name, type }) => ({ name, type, server: FIRST })));
  for (const [index, record] of both.entries()) {
    const reply = replies[index];
    const { name, type, ttl, data } = record;
    assert.deepEqual(
      [reply?.status, reply?.flags.has('aa'), reply?.answer],
      ['NOERROR', true, [{ name, ttl, type, text: reply?.answer[0]?.text, read: { type, data } }]],
    );
  }
};

const noAnswer = async ({ ask }: Asker): Promise<void> => {
  const [nobody, noName, option, there, outside] = await ask([
    { name: 'zone.test', type: 'A', server: DEAD },
    { name: 'a..b', type: 'A', server: FIRST },
    { name: '-f', type: 'A', server: FIRST },
    { name: 'zone.test', type: 'MX', server: FIRST },
    { name: 'lame.test', type: 'A', server: SECOND },
  ]);
  assert.deepEqual([nobody, noName, option?.status, there?.answer.length], [undefined, undefined, 'REFUSED', 1]);
  assert.deepEqual([outside?.status, outside?.flags.has('aa')], ['REFUSED', false]);
};

const delegations = async (asking: Asker): Promise<void> => {
  const names = ['zone.test', 'mail.zone.test', 'aside._domainkey.zone.test', 'lame.test', 'x.y.dead.test', 'dead.test', 'nothing.test'];
  const zones = await zonesHolding(asking, names);
  const seen = [...zones].map(([name, zone]) => [
    name,
    zone.name,
    zone.standing,
    zone.servers.map((one) => `${one.name} ${one.state} ${one.serial}`),
  ]);
  const four = ['gone.test silent undefined', 'nowhere.test nameless undefined', 'ns.test answers 8', 'ns2.test answers 7'];
  const sorted = seen.toSorted(([a], [b]) => String(a).localeCompare(String(b)));
  assert.deepEqual(sorted, [
    ['aside._domainkey.zone.test', 'zone.test', 'insecure', four],
    ['dead.test', 'dead.test', 'dead', ['ns.dead.test silent undefined']],
    ['lame.test', 'lame.test', 'dead', ['ns.test lame undefined', 'ns2.test lame undefined']],
    ['mail.zone.test', 'zone.test', 'insecure', four],
    ['nothing.test', 'test', 'insecure', ['above.test answers 1']],
    ['x.y.dead.test', 'dead.test', 'dead', ['ns.dead.test silent undefined']],
    ['zone.test', 'zone.test', 'insecure', four],
  ]);
  const { namedAbove, namedItself } = zones.get('zone.test') ?? {};
  assert.deepEqual(
    [namedAbove?.toSorted(), namedItself?.toSorted()],
    [
      ['gone.test', 'nowhere.test', 'ns.test', 'ns2.test'],
      ['ns.test', 'ns2.test'],
    ],
  );
};

const txt = (name: string, text: string): Published => ({ name, type: 'TXT', data: { text } });

const shown = async (asking: Asker): Promise<void> => {
  const ed = `v=DKIM1; k=ed25519; p=${Buffer.from(ED25519, 'base64').subarray(-32).toString('base64')}`;
  const found = await shownBy(asking, [
    txt('zone.test', SPF),
    txt('t1.zone.test', '1 "; \\é'),
    txt('selector._domainkey.zone.test', `p=${RSA}`),
    txt('alias._domainkey.zone.test', KEY),
    txt('aside._domainkey.zone.test', KEY),
    txt('aside._domainkey.zone.test', ed),
    { name: 'mail.zone.test', type: 'AAAA', data: { address: '2001:DB8:0::25' } },
    { name: 'absent.zone.test', type: 'A', data: { address: '192.0.2.25' } },
    { name: 'dead.test', type: 'A', data: { address: '192.0.2.25' } },
    txt('key.test', KEY),
    { name: '_25._tcp.mail.zone.test', type: 'TLSA', data: { usage: 3, selector: 1, matching: 1, digest: 'ab'.repeat(32) } },
  ]);
  const four = (...two: readonly string[]): readonly string[] => ['silent', 'nameless', ...two];
  assert.deepEqual(
    found.map(({ record, everywhere, servers, ttl }) => [record.name, everywhere, servers.map(({ state }) => state), ttl]),
    [
      ['zone.test', false, four('shown', 'absent'), 7200],
      ['t1.zone.test', false, four('shown', 'shown'), 60],
      ['selector._domainkey.zone.test', false, four('shown', 'shown'), 60],
      ['alias._domainkey.zone.test', false, four('shown', 'shown'), 60],
      ['aside._domainkey.zone.test', false, four('shown', 'shown'), 60],
      ['aside._domainkey.zone.test', false, four('absent', 'absent'), 60],
      ['mail.zone.test', false, four('shown', 'shown'), 300],
      ['absent.zone.test', false, four('absent', 'absent'), 30],
      ['dead.test', false, ['silent'], 0],
      ['key.test', true, ['shown'], 60],
      ['_25._tcp.mail.zone.test', false, four('absent', 'absent'), 60],
    ],
  );
  const others = found.flatMap((each) => (each.others.length === 0 ? [] : [[each.record.name, each.others]]));
  assert.deepEqual(others.at(0), ['zone.test', ['"v=spf1 -all"']]);
  const [, [tlsa = ''] = []] = others.at(-1) ?? [];
  assert.match(tlsa, /^3 1 2 [AB ]+$/);
};

for (const release of ['bookworm', 'trixie'] as const) {
  test(`on ${release}`, async (t) => {
    await using room = await zoneReader(release);
    const hands = handsIn(socketsIn(room));
    const asking = await begin(room, hands);
    await t.test('records of each type come back as they were written, many at once, a large one by TCP', () => asIs(asking));
    await t.test('nobody there, no name, not their zone', () => noAnswer(asking));
    await t.test('zones and their servers are found from the root down', () => delegations(asking));
    await t.test('a record is shown by each server, or by which not; aliases are followed', () => shown(asking));
    await t.test('where no server can be reached, what the resolver says counts, if it asks others', () => byResolverAlone(asking));
    await t.test('without a resolver nothing is said of zones', async () => {
      const lost = asker(hands, { address: DEAD, port: 53 });
      await assert.rejects(zonesHolding(lost, ['zone.test']), { code: 'dns.no-resolver', blame: 'environment' });
    });
  });
}
