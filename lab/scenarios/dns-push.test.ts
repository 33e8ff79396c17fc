/**
 * `dns push` at a name server that is not ours (Knot), with two domains: what both servers of each zone then show is exactly what is wanted, the second
 * push finds nothing to do, records of others stay and stand in the way as is said, those of a removed domain go. Wrong keys and bad surroundings each
 * have their own message, and change nothing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockOfNewPrograms } from '../clock.ts';
import { atTerminal } from '../command.ts';
import { heldUp } from '../held-up.ts';
import { fromKeys, until } from '../index.ts';
import { addressesOf, heldBy, type Internet, NAME_SERVERS, onEachReleaseThere, type Ours, reverseOf, UPDATER } from '../internet/index.ts';
import { answered, exits, type Failure, inOwnProcesses } from '../operator.ts';
import { keptByCopy } from '../parts/dns-copy.ts';
import { keptForCertificate, keptWithoutAddresses, publishedMeanwhile } from '../parts/dns-kept.ts';
import { configure, KEY_FILE, places, PRIMARY, push, section, shell } from '../parts/dns-pushed.ts';
import { json, ok } from '../people.ts';
import { holdUpkeep } from '../upkeep.ts';

/** The address at which nobody is. */
const DEAD = addressesOf(9).v4;
const NOWHERE = 'nowhere.example';

/** At both servers; the second has it by transfer. */
const holds = async (net: Internet, zone: string, wanted: readonly string[]): Promise<void> => {
  const lines = wanted.toSorted();
  assert.deepEqual(await heldBy(net, 'primary', zone), lines);
  const second = async (): Promise<true | undefined> => JSON.stringify(await heldBy(net, 'secondary', zone)) === JSON.stringify(lines) || undefined;
  await until(`${zone} is transferred`, second, 30_000, 200);
};

/** Of Ed25519 and of RSA. */
const selectorsOf = async ({ machine }: Ours, domain: string): Promise<readonly string[]> => {
  const { stdout } = ok(await machine.run(['ls', `/var/lib/rspamd/dkim/${domain}`]));
  return stdout.split('\n').flatMap((name) => (name === '' ? [] : [name.replace('.key', '')]));
};

const keyLines = async (server: Ours, domain: string, ttl: number): Promise<readonly string[]> => {
  const selectors = await selectorsOf(server, domain);
  assert.equal(selectors.length, 2);
  const lines = selectors.map(async (selector) => {
    const [[key = ''] = []] = await fromKeys(server.machine)(`${selector}._domainkey.${domain}`);
    const strings = key.length > 255 ? [key.slice(0, 255), key.slice(255)] : [key];
    return `${selector}._domainkey.${domain}. ${ttl} TXT ${strings.map((each) => `"${each}"`).join(' ')}`;
  });
  return Promise.all(lines);
};

const TLSA =
  'openssl s_client -starttls smtp -connect 127.0.0.1:25 2>/dev/null </dev/null | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum';

const hostLines = async ({ machine, identity: { hostname, addresses } }: Ours, ttl = 3600): Promise<readonly string[]> => {
  const digest = ok(await machine.run(['sh', '-c', TLSA])).stdout.split(' ')[0];
  return [
    `${hostname}. ${ttl} A ${addresses.v4}`,
    `${hostname}. ${ttl} AAAA ${addresses.v6}`,
    `${hostname}. ${ttl} TXT "v=spf1 a -all"`,
    `_25._tcp.${hostname}. ${ttl} TLSA 3 1 1 ${digest}`,
  ];
};

const SERVICES = ['_submissions._tcp 0 1 465', '_submission._tcp 10 1 587', '_imaps._tcp 0 1 993', '_imap._tcp 10 1 143'];

interface Said {
  readonly ttl?: number;
  readonly spfTtl?: number;
  readonly dmarc?: string;
}

const domainLines = async (server: Ours, domain: string, spf: string, said: Said = {}): Promise<readonly string[]> => {
  const { ttl = 3600, spfTtl = ttl, dmarc = 'none' } = said;
  const { hostname } = server.identity;
  return [
    `${domain}. ${ttl} MX 10 ${hostname}.`,
    `${domain}. ${spfTtl} TXT "v=spf1 ${spf}:${hostname} ~all"`,
    ...(await keyLines(server, domain, ttl)),
    `_dmarc.${domain}. ${ttl} TXT "v=DMARC1; p=${dmarc}; np=reject; rua=mailto:postmaster@${domain}"`,
    ...SERVICES.map((line) => `${line.replace(' ', `.${domain}. ${ttl} SRV `)} ${hostname}.`),
    `_pop3s._tcp.${domain}. ${ttl} SRV 0 0 0 .`,
    `_pop3._tcp.${domain}. ${ttl} SRV 0 0 0 .`,
  ];
};

const key = (name: string, secret: string): string => `key "${name}" {\n\talgorithm ${UPDATER.algorithm};\n\tsecret "${secret}";\n};\n`;
const RIGHT = key('lab', UPDATER.secret);

const writeKey = (server: Ours, text: string, mode = '600'): Promise<string> =>
  shell(server, `rm -rf ${KEY_FILE}; cat >${KEY_FILE}; chmod ${mode} ${KEY_FILE}`, text);

const WEBSITE = 'site-verification=1';

/** What the lab published by hand goes; what others have in these zones comes. Upkeep publishes when a test says so, and not a minute after the boot. */
const arrange = async (net: Internet, server: Ours, further: string): Promise<{ readonly further: string; readonly theirs: readonly string[] }> => {
  const { hostname, domain } = server.identity;
  await holdUpkeep(server.machine);
  await server.order('domain', 'add', further);
  const hands = [`${hostname}. A`, `${hostname}. AAAA`, `_25._tcp.${hostname}. TLSA`, `${domain}. MX`, `${domain}. TXT`];
  const keys = (await selectorsOf(server, domain)).map((selector) => `${selector}._domainkey.${domain}. TXT`);
  await net.names.remove(...hands, ...keys);
  await net.names.add(`${domain}. TXT "${WEBSITE}"`, `www.${domain}. A 198.18.0.77`);
  return { further, theirs: [`${domain}. 60 TXT "${WEBSITE}"`, `www.${domain}. 60 A 198.18.0.77`] };
};

interface Case {
  readonly what: string;
  readonly prepare: (server: Ours) => Promise<unknown>;
  readonly words?: readonly string[];
  readonly exit: number;
  readonly code: string;
  readonly says: RegExp;
}

const WRONG: readonly Case[] = [
  {
    what: 'no name server is written down',
    prepare: (server) => configure(server, ''),
    ...{ exit: 3, code: 'dns.update-unset', says: /update_server = "192\.0\.2\.53"/ },
  },
  {
    what: 'there is no key file',
    prepare: (server) => configure(server, section()),
    ...{ exit: 3, code: 'dns.update-key-file', says: /does not exist/ },
  },
  {
    what: 'others may read the key file',
    prepare: (server) => writeKey(server, RIGHT, '640'),
    ...{ exit: 3, code: 'dns.update-key-file', says: /chmod 600/ },
  },
  {
    what: 'the key file holds none',
    prepare: (server) => writeKey(server, 'key "lab" { algorithm hmac-sha256; };\n'),
    ...{ exit: 3, code: 'dns.update-key-file', says: /holds no TSIG key/ },
  },
  {
    what: 'the server does not know the key',
    prepare: (server) => writeKey(server, key('nobody', UPDATER.secret)),
    ...{ exit: 3, code: 'dns.update-key', says: /does not know the key nobody .*BADKEY/ },
  },
  {
    what: 'the secret is another one',
    prepare: (server) => writeKey(server, key('lab', 'bm90IHRoaXMgb25l')),
    ...{ exit: 3, code: 'dns.update-secret', says: /another secret for the key lab .*BADSIG/ },
  },
  {
    what: 'the server serves no such zone',
    prepare: async (server) => {
      await writeKey(server, RIGHT);
      await server.order('domain', 'add', NOWHERE);
    },
    words: [NOWHERE],
    ...{ exit: 4, code: 'dns.zone-elsewhere', says: /does not serve its zone/ },
  },
  {
    what: 'nobody is there',
    prepare: async (server) => {
      await server.order('domain', 'remove', NOWHERE);
      await configure(server, section(DEAD));
    },
    ...{ exit: 4, code: 'dns.update-server', says: /198\.18\.0\.10, which dns\.update_server names, does not answer/ },
  },
];

onEachReleaseThere(
  ({ net, server }, release) => arrange(net, server, release === 'bookworm' ? 'club.example' : 'house.example'),
  (get) => {
    test('wrong input and bad surroundings: each has its message, and nothing changes', async () => {
      const { net, server, further } = get();
      const zones = [server.identity.domain, further];
      const before = await Promise.all(zones.map((zone) => heldBy(net, 'primary', zone)));
      for (const { what, prepare, words = [], exit, code, says } of WRONG) {
        await prepare(server);
        const { code: status, document } = await answered<Failure>(server, 'dns', 'push', ...words, '--yes');
        assert.deepEqual([status, document.error.code], [exit, code], `${what}: ${JSON.stringify(document)}`);
        assert.match(`${document.error.message} ${document.error.remedy}`, says, what);
      }
      await configure(server, section());
      const set = await clockOfNewPrograms(server.machine);
      await set(3600);
      const late = await answered<Failure>(inOwnProcesses(server), 'dns', 'push', '--yes');
      assert.deepEqual([late.code, late.document.error.code], [4, 'dns.update-clock'], JSON.stringify(late.document));
      await set(0);
      await shell(server, 'rm /etc/ld.so.preload');
      const alone = await answered<Failure>(server, 'dns', 'push');
      assert.deepEqual([alone.code, alone.document.error.code], [3, 'consent.no-terminal']);
      const refused = await atTerminal(server.machine, ['dns', 'push'], 'Publish this? [y/N]', 'n\n');
      assert.equal(refused.code, 3, refused.stdout);
      assert.match(refused.stdout, new RegExp(`\\+ ${server.identity.hostname} 3600 A ${server.identity.addresses.v4}`));
      assert.deepEqual(await Promise.all(zones.map((zone) => heldBy(net, 'primary', zone))), before);
      assert.deepEqual(await server.machine.run(['test', '-e', '/var/lib/hauspost/dns-published.json']).then(({ code }) => code), 1);
    });

    test('two domains: both servers show exactly what is wanted, beside what others have; the second time there is nothing to do', async () => {
      const { net, server, further, theirs } = get();
      const { domain, hostname, addresses } = server.identity;
      assert.deepEqual(((await json(server, 'plan')) as { changes: readonly unknown[] }).changes, [], '[dns] concerns no daemon');
      const first = await push(server);
      assert.ok(first.pushed);
      assert.deepEqual(
        first.zones.map(({ zone, pushed, removed, changed, conflicts }) => [zone, pushed, removed, changed, conflicts]).toSorted(),
        [domain, further].toSorted().map((zone) => [zone, true, [], [], []]),
      );
      assert.deepEqual(
        first.reverse.map(({ address, target }) => [address, target]),
        [addresses.v4, addresses.v6].map((address) => [address, hostname]),
      );
      // Beside a record of somebody else's ours lives as long as that one.
      const own = [...theirs, ...(await hostLines(server)), ...(await domainLines(server, domain, 'a', { spfTtl: 60 }))];
      await holds(net, domain, own);
      await holds(net, further, await domainLines(server, further, 'include'));
      const second = await push(server);
      assert.ok(!second.pushed);
      assert.deepEqual(second.zones.map(({ kept, added }) => [kept.length, added.length]).toSorted(), [
        [11, 0],
        [15, 0],
      ]);
      const { stdout } = await exits(server, 0, 'dns', 'push');
      assert.match(stdout, /nothing to do; 15 records as they should be/);
      await holds(net, domain, own);
      assert.equal(await shell(server, 'stat -c "%U:%G %a" /var/lib/hauspost/dns-published.json'), 'root:root 600\n');
    });

    test('what the operator changes is changed there, and no secret is told', async () => {
      const { net, server, further, theirs } = get();
      const { domain } = server.identity;
      await configure(server, section(PRIMARY, 'ttl = "5m"\ndmarc = "quarantine"\n'));
      const changed = await push(server);
      assert.ok(changed.zones.every(({ added, removed }) => added.length === 0 && removed.length === 0));
      const said = { ttl: 300, dmarc: 'quarantine' };
      await holds(net, domain, [...theirs, ...(await hostLines(server, 300)), ...(await domainLines(server, domain, 'a', { ...said, spfTtl: 60 }))]);
      await holds(net, further, await domainLines(server, further, 'include', said));
      const told = await shell(server, 'journalctl --no-pager; cat /var/lib/hauspost/dns-published.json');
      assert.ok(!told.includes(UPDATER.secret) && !JSON.stringify(changed).includes(UPDATER.secret));
    });

    test("somebody else's records stand in the way, and stay until they are named", async () => {
      const { net, server, further } = get();
      const said = { ttl: 300, dmarc: 'quarantine' };
      const ours = await domainLines(server, further, 'include', said);
      await net.names.remove(`${further}. MX`, `${further}. TXT`, `_dmarc.${further}. TXT`, `_imap._tcp.${further}. SRV`);
      await net.names.add(`${further}. MX 5 mail.old.example.`, `${further}. TXT "v=spf1 mx -all"`, `${further}. TXT "${WEBSITE}"`);
      await net.names.add(`_dmarc.${further}. CNAME _dmarc.far.test.`);
      const stood = [`${further}. 60 MX 5 mail.old.example.`, `${further}. 60 TXT "v=spf1 mx -all"`, `_dmarc.${further}. 60 CNAME _dmarc.far.test.`];
      const site = `${further}. 60 TXT "${WEBSITE}"`;
      const rest = ours.filter((line) => !line.startsWith(`${further}. `) && !line.startsWith('_dmarc.'));
      const first = await push(server, 1);
      const zone = first.zones.find(({ zone: name }) => name === further);
      assert.deepEqual(places(zone?.conflicts ?? []), [`_dmarc.${further}/CNAME`, `${further}/MX`, `${further}/TXT`]);
      assert.deepEqual(zone?.conflicts.find(({ type }) => type === 'MX')?.found, ['5 mail.old.example.']);
      assert.deepEqual(places(zone?.added ?? []), [`_imap._tcp.${further}/SRV`], 'what nothing stands in the way of is published');
      await holds(net, further, [...stood, site, ...rest]);
      const slip = await answered<Failure>(server, 'dns', 'push', '--yes', '--take-over', `www.${further}/MX`);
      assert.deepEqual([slip.code, slip.document.error.code], [3, 'dns.take-over']);
      await push(server, 1, '--take-over', `${further}/TXT`);
      const spf = ours.find((line) => line.startsWith(`${further}. `) && line.includes('v=spf1'))?.replace(' 300 ', ' 60 ') ?? '';
      await holds(net, further, [...stood.filter((line) => !line.includes('v=spf1')), spf, site, ...rest]);
      await push(server, 0, '--take-over', `${further}/mx,_dmarc.${further}/CNAME`);
      await holds(net, further, [site, spf, ...ours.filter((line) => !line.includes('v=spf1'))]);
      assert.deepEqual((await push(server)).pushed, false);
    });

    test('an alias where an address is needed; a wrong DKIM key is ours to mend', async () => {
      const { net, server, theirs } = get();
      const { domain, hostname } = server.identity;
      const said = { ttl: 300, dmarc: 'quarantine', spfTtl: 60 };
      const own = [...theirs, ...(await hostLines(server, 300)), ...(await domainLines(server, domain, 'a', said))];
      const [selector = ''] = await selectorsOf(server, domain);
      await net.names.remove(`${hostname}. A`, `${hostname}. AAAA`, `${hostname}. TXT`, `${selector}._domainkey.${domain}. TXT`);
      await net.names.add(`${hostname}. CNAME www.${domain}.`, `${selector}._domainkey.${domain}. TXT "v=DKIM1; p=AAAA"`);
      const first = await push(server, 1, domain);
      assert.deepEqual(places(first.zones.flatMap(({ conflicts }) => conflicts)), [`${hostname}/CNAME`]);
      assert.deepEqual(places(first.zones.flatMap(({ changed }) => changed)), [`${selector}._domainkey.${domain}/TXT`]);
      const isHost = (line: string): boolean => line.startsWith(`${hostname}. `);
      await holds(net, domain, [...own.filter((line) => !isHost(line)), `${hostname}. 60 CNAME www.${domain}.`]);
      await push(server, 0, '--take-over', `${hostname}/CNAME`);
      await holds(net, domain, own);
    });

    test('upkeep puts back what is ours without a question, and leaves what is not', async () => {
      const { net, server, further } = get();
      const before = await heldBy(net, 'primary', further);
      await net.names.remove(`_imaps._tcp.${further}. SRV`, `_imap._tcp.${further}. SRV`);
      await net.names.add(`_imap._tcp.${further}. SRV 1 1 143 mail.old.example.`);
      const { findings, done } = (await json(server, 'upkeep')) as { findings: readonly { code: string }[]; done: readonly string[] };
      assert.deepEqual(
        [findings.map(({ code }) => code).filter((code) => code.startsWith('dns.')), done.filter((line) => line.includes(further)).length],
        [['dns.conflict'], 1],
      );
      const foreign = `_imap._tcp.${further}. 60 SRV 1 1 143 mail.old.example.`;
      assert.deepEqual(
        await heldBy(net, 'primary', further),
        [...before.filter((line) => !line.startsWith(`_imap._tcp.${further}. `)), foreign].toSorted(),
      );
      await push(server, 0, '--take-over', `_imap._tcp.${further}/SRV`);
      assert.deepEqual(await heldBy(net, 'primary', further), before);
    });

    publishedMeanwhile(get);
    keptWithoutAddresses(get);

    test('killed before the change is sent, or after it: the next push finishes, and knows what is ours', async () => {
      const { net, server, further } = get();
      for (const [dmarc, before] of [
        ['reject', ''],
        ['none', '/usr/bin/nsupdate "$@" >/dev/null\n'],
      ] as const) {
        await configure(server, section(PRIMARY, `ttl = "5m"\ndmarc = "${dmarc}"\n`));
        await (await heldUp(server.machine, 'nsupdate', ['dns', 'push', '--yes'], before)).killed();
        const { zones, pushed } = await push(server);
        assert.deepEqual([zones.flatMap(({ conflicts }) => conflicts), pushed], [[], true]);
        const spf = `${further}. 60 TXT "v=spf1 include:${server.identity.hostname} ~all"`;
        const ours = await domainLines(server, further, 'include', { ttl: 300, dmarc });
        await holds(net, further, [`${further}. 60 TXT "${WEBSITE}"`, spf, ...ours.filter((line) => !line.includes('v=spf1'))]);
      }
    });

    test('of a removed domain upkeep leaves what is there, and says so; dns push removes what is ours, and nothing of others', async () => {
      const { net, server, further } = get();
      const before = await heldBy(net, 'primary', further);
      await server.order('domain', 'remove', further);
      const { findings } = (await json(server, 'upkeep')) as { findings: readonly { code: string; message: string }[] };
      assert.deepEqual(
        findings.flatMap(({ code, message }) => (code === 'dns.left-over' ? [message] : [])),
        [`${further} is none of this server's domains (any more), and 11 records of it that Hauspost published stay in DNS`],
      );
      assert.deepEqual(await heldBy(net, 'primary', further), before);
      const gone = await push(server);
      assert.equal(gone.zones.find(({ zone }) => zone === further)?.removed.length, 11);
      await holds(net, further, [`${further}. 60 TXT "${WEBSITE}"`]);
      assert.deepEqual((await push(server)).pushed, false);
    });

    test('a server that has the zones of addresses gets their names as well; the others stay where they are', async () => {
      const { net, server } = get();
      const { hostname, domain, addresses } = server.identity;
      await server.order('domain', 'add', NOWHERE);
      await net.names.remove(...Object.values(reverseOf(addresses)).map((name) => `${name} PTR`));
      await configure(server, section(NAME_SERVERS.registry.v4));
      const before = await heldBy(net, 'primary', domain);
      const { findings, reverse, zones } = await push(server);
      assert.deepEqual([[...new Set(findings.map(({ code }) => code))], reverse], [['dns.zone-elsewhere'], []]);
      assert.deepEqual(
        zones.flatMap(({ added }) => added.filter(({ type }) => type === 'PTR').map(({ name, value }) => [`${name}.`, value])).toSorted(),
        Object.values(reverseOf(addresses))
          .map((name) => [name, `${hostname}.`])
          .toSorted(),
      );
      const above = await heldBy(net, 'registry', 'example');
      const lines = await domainLines(server, NOWHERE, 'include');
      assert.deepEqual(
        above.filter((line) => line.includes(NOWHERE)),
        lines.toSorted(),
      );
      assert.deepEqual(await heldBy(net, 'primary', domain), before);
    });

    keptForCertificate(get);
    keptByCopy(get);
  },
);
