/**
 * `dns check` says what the world sees of the records that `dns records` prints. Published as printed, it is green. Each type of record is changed,
 * removed, doubled, and served by one of two name servers only: it reports that and nothing else, and is green again once it is put right. So with zones
 * as a whole: wrong or expired signatures, none, servers that are dead or do not serve them, domains that do not exist.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forget, type Internet, listingLines, onEachReleaseThere, type Ours, printed, publish, reverseOf, type ZoneLine } from '../internet/index.ts';
import { checked, codes, sees, told } from '../parts/dns-seen.ts';
import { ok, text } from '../people.ts';
import { until } from '../process.ts';

const OTHER = '198.18.0.77';
const OTHER6 = '2001:2::77';
const DIGEST = '0'.repeat(64);

interface Case {
  readonly whose: string;
  readonly kind: string;
  readonly type: string;
  readonly at: (server: Ours, lines: readonly ZoneLine[]) => string;
  /** What stands there instead. */
  readonly changed: (server: Ours) => string;
  /** What stands there besides. */
  readonly more: (server: Ours) => string;
}

const domainOf = ({ identity }: Ours): string => identity.domain;
const hostOf = ({ identity }: Ours): string => identity.hostname;
const selectorIn = (_: Ours, lines: readonly ZoneLine[]): string => lines.find((line) => line.includes('._domainkey.'))?.split('. ')[0] ?? '';

const CASES: readonly Case[] = [
  { whose: 'the host', kind: 'address', type: 'A', at: hostOf, changed: () => OTHER, more: () => OTHER },
  { whose: 'the host', kind: 'address', type: 'AAAA', at: hostOf, changed: () => OTHER6, more: () => OTHER6 },
  { whose: 'the host', kind: 'spf', type: 'TXT', at: hostOf, changed: () => '"v=spf1 -all"', more: () => '"v=spf1 -all"' },
  { whose: 'the domain', kind: 'mx', type: 'MX', at: domainOf, changed: () => '10 mail.right.example.', more: () => '10 mail.right.example.' },
  { whose: 'the domain', kind: 'spf', type: 'TXT', at: domainOf, changed: () => '"v=spf1 ip4:198.18.0.77 ~all"', more: () => '"v=spf1 mx ~all"' },
  {
    whose: 'the selector',
    kind: 'dkim',
    type: 'TXT',
    at: selectorIn,
    changed: () => '"v=DKIM1; k=rsa; p=AAAA"',
    more: () => '"v=DKIM1; k=rsa; p=AAAA"',
  },
  {
    whose: 'the domain',
    kind: 'dmarc',
    type: 'TXT',
    at: (server) => `_dmarc.${domainOf(server)}`,
    changed: () => '"v=DMARC1; p=reject"',
    more: () => '"v=DMARC1; p=reject"',
  },
  {
    whose: 'the host',
    kind: 'tlsa',
    type: 'TLSA',
    at: (server) => `_25._tcp.${hostOf(server)}`,
    changed: () => `3 1 1 ${DIGEST}`,
    more: () => `3 1 1 ${DIGEST}`,
  },
  {
    whose: 'IMAP',
    kind: 'srv',
    type: 'SRV',
    at: (server) => `_imaps._tcp.${domainOf(server)}`,
    changed: () => '0 1 993 mail.right.example.',
    more: () => '5 1 993 mail.right.example.',
  },
  {
    whose: 'POP3, which is not there',
    kind: 'srv',
    type: 'SRV',
    at: (server) => `_pop3._tcp.${domainOf(server)}`,
    changed: (server) => `0 1 110 ${hostOf(server)}.`,
    more: (server) => `0 1 110 ${hostOf(server)}.`,
  },
];

/** What mail does without: told where it is missing, but no fault. */
const OPTIONAL: readonly string[] = ['tlsa', 'srv', 'caa'];

/** Each in turn, from what is printed; afterwards it is again as printed. */
const eachWay = async (net: Internet, server: Ours, lines: readonly ZoneLine[], each: Case): Promise<void> => {
  const { kind, type } = each;
  const name = each.at(server, lines);
  const prefix = `${name}. ${type} `;
  const own = lines.filter((line) => line.startsWith(prefix));
  assert.ok(own.length > 0, prefix);
  const record = (state: string): readonly string[] => [`${kind} ${name} ${state}`];
  await net.names.remove(prefix.trim());
  const lacking = await sees(server, { records: record('missing'), codes: ['dns.missing'], code: OPTIONAL.includes(kind) ? 0 : 1 });
  assert.equal(lacking.records.find(({ state }) => state === 'missing')?.found.length, 0);
  await net.names.add(`${prefix}${each.changed(server)}`);
  const wrong = await sees(server, { records: record('wrong'), codes: ['dns.wrong'], code: 1 });
  assert.ok(wrong.records.every(({ state, expected, found }) => state === 'right' || (expected.length > 0 && found.length > 0)));
  await net.names.replace([prefix.trim()], [...own, `${prefix}${each.more(server)}`]);
  await sees(server, { records: record('in-the-way'), codes: ['dns.in-the-way'], code: 1 });
  await net.names.remove(`${prefix}${each.more(server)}`);
};

/** The secondary keeps what the primary has changed. */
const atOneOnly = async (net: Internet, server: Ours, lines: readonly ZoneLine[], each: Case): Promise<void> => {
  const name = each.at(server, lines);
  const prefix = `${name}. ${each.type} `;
  const own = lines.filter((line) => line.startsWith(prefix));
  const goOn = await net.names.hold(`${server.identity.domain}.`);
  await net.names.replace([prefix.trim()], [`${prefix}${each.changed(server)}`]);
  const { records } = await sees(server, { records: [`${each.kind} ${name} not-everywhere`], codes: ['dns.not-everywhere'], code: 1 });
  const parted = records.find(({ state }) => state === 'not-everywhere');
  assert.deepEqual(
    parted?.servers.map((one) => `${one.name} ${one.state}`),
    ['ns1.example wrong', 'ns2.example right'],
  );
  await net.names.replace([prefix.trim()], own);
  await goOn();
};

/** The record of a company for all its domains, and what leads to it, or to what stands below it. */
const CENTRAL = '_spf.right.example';
const LEADING = [`redirect=${CENTRAL}`, `include:${CENTRAL} ~all`, `exists:%{ir}.${CENTRAL} -all`] as const;

/** The domain's SPF by records of others: these hold the server's addresses, those of others alone, lead back to it, or cannot be had. */
const byOthers = async (net: Internet, server: Ours, lines: readonly ZoneLine[]): Promise<void> => {
  const { domain, addresses } = server.identity;
  const { v4, v6 } = addresses;
  const prefix = `${domain}. TXT`;
  const leads = (terms: string): Promise<void> => net.names.replace([prefix], [`${prefix} "v=spf1 ${terms}"`]);
  const says = (terms: string): Promise<void> => net.names.replace([`${CENTRAL}. TXT`], [`${CENTRAL}. TXT "v=spf1 ${terms}"`]);
  const judged = async (state: string, code: string): Promise<string> => {
    const { findings } = await sees(server, { records: [`spf ${domain} ${state}`], codes: [code], code: state === 'wrong' ? 1 : 0 });
    return findings[0]?.message ?? '';
  };
  const refused = async (words: string): Promise<void> => {
    const message = await judged('wrong', 'dns.wrong');
    assert.ok(message.endsWith(`, by which the result is ${words}`), message);
  };
  const listed = listingLines(addresses, `${CENTRAL}.`, '127.0.0.2');
  await net.names.add(...listed);
  await says(`ip4:${v4} ip6:${v6} -all`);
  for (const terms of LEADING) {
    await leads(terms);
    await judged('differs', 'dns.differs');
  }
  await net.names.remove(...listed);
  await refused(`fail for ${v4} and ${v6}`);
  await leads(`include:${CENTRAL} ~all`);
  await says(`ip4:${OTHER} ip6:${OTHER6} -all`);
  await refused(`softfail for ${v4} and ${v6}`);
  await says(`ip4:${v4} -all`);
  await refused(`softfail for ${v6}`);
  await says(`include:${domain} -all`);
  await refused(`permerror for ${v4} and ${v6} (it takes more than 10 lookups, RFC 7208 section 4.6.4)`);
  await leads('include:_spf.broken.example ~all');
  assert.match(await judged('unevaluated', 'dns.spf-unknown'), / \(no answer about TXT of _spf\.broken\.example\)$/);
  const own = lines.filter((line) => line.startsWith(`${prefix} `));
  await net.names.replace([`${CENTRAL}. TXT`, prefix], own);
  await sees(server, {});
};

/** A domain of the server in a zone that the lab has so; all that is printed for it stands there. */
const inZone = async (net: Internet, server: Ours, domain: string): Promise<void> => {
  await server.order('domain', 'add', domain);
  await net.names.add(...(await printed(server, domain)));
};

/** What Let's Encrypt might have signed: then CAA and names for mail programs belong to the records. */
const CERTIFICATE = `set -e
install -d -m 700 /srv/tls
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -keyout /srv/tls/key.pem -out /srv/tls/chain.pem \\
  -subj "/O=Let's Encrypt/CN=$1" -addext "subjectAltName=DNS:$1,DNS:imap.$2,DNS:smtp.$2"
printf '[tls]\\nsource = "files"\\nchain = "/srv/tls/chain.pem"\\nkey = "/srv/tls/key.pem"\\n' >>/etc/hauspost/hauspost.toml`;

onEachReleaseThere(
  async ({ net, server }) => ({ lines: await publish(net, server, server.identity.domain) }),
  (get) => {
    test('published as printed: green, as a document and for a person', async () => {
      const { server } = get();
      const { zones, records } = await sees(server, {});
      const { domain, hostname } = server.identity;
      const reverse = ['0.0.0.0.2.0.0.0.1.0.0.2.ip6.arpa', '18.198.in-addr.arpa'];
      assert.deepEqual(
        zones.map(({ zone, standing }) => `${zone} ${standing}`).toSorted(),
        [...reverse, domain].map((zone) => `${zone} secure`).toSorted(),
      );
      assert.equal(records.length, 17);
      const shown = await text(server, 'dns', 'check');
      assert.match(
        shown,
        new RegExp(
          `^Zone ${domain}: signed \\(DNSSEC\\); ns1\\.example 198\\.18\\.0\\.3 version \\d+, ns2\\.example 198\\.18\\.0\\.4 version \\d+$`,
          'm',
        ),
      );
      assert.match(shown, new RegExp(`^ok +${hostname} +A +${server.identity.addresses.v4}$`, 'm'));
      assert.match(shown, /\nThe world sees what it is to see\.\n$/);
    });

    for (const each of CASES)
      test(`${each.kind} (${each.type}) of ${each.whose}: removed, changed, doubled, at one server only`, async () => {
        const { net, server, lines } = get();
        await eachWay(net, server, lines, each);
        await atOneOnly(net, server, lines, each);
      });

    test('names of addresses: removed, changed, doubled, at one server only', async () => {
      const { net, server } = get();
      const name = reverseOf(server.identity.addresses).v4.slice(0, -1);
      const record = (state: string): { readonly records: readonly string[]; readonly code: number } => ({
        records: [`ptr ${name} ${state}`],
        code: 1,
      });
      await net.names.remove(`${name}. PTR`);
      await sees(server, { ...record('missing'), codes: ['dns.missing'] });
      await net.names.add(`${name}. PTR other.right.example.`);
      await sees(server, { ...record('wrong'), codes: ['dns.wrong'] });
      await net.names.add(`${name}. PTR ${server.identity.hostname}.`);
      await sees(server, { ...record('in-the-way'), codes: ['dns.in-the-way'] });
      await net.names.remove(`${name}. PTR other.right.example.`);
      const goOn = await net.names.hold('18.198.in-addr.arpa.');
      await net.names.remove(`${name}. PTR`);
      const { records } = await sees(server, { ...record('not-everywhere'), codes: ['dns.not-everywhere'] });
      assert.deepEqual(
        records.find(({ state }) => state === 'not-everywhere')?.servers.map((one) => `${one.name} ${one.state}`),
        ['ns2.example right', 'registry.example missing'],
      );
      await net.names.add(`${name}. PTR ${server.identity.hostname}.`);
      await goOn();
      await sees(server, {});
    });

    test('what is none of its business, and what does as well', async () => {
      const { net, server, lines } = get();
      const { domain, hostname } = server.identity;
      const aside = [
        `${domain}. TXT "site-verification=1"`,
        `${domain}. MX 20 backup.right.example.`,
        `_sip._tcp.${domain}. SRV 0 1 5060 sip.right.example.`,
      ];
      await net.names.add(...aside);
      await sees(server, {});
      const spf = lines.filter((line) => line.startsWith(`${domain}. TXT `));
      const mine = `${domain}. TXT "v=spf1 mx ip4:203.0.113.0/24 -all"`;
      await net.names.replace([...aside, ...spf], [mine, `imap.${domain}. CNAME ${hostname}.`]);
      await sees(server, { records: [`spf ${domain} differs`, `client imap.${domain} left-over`], codes: ['dns.differs', 'dns.left-over'] });
      await net.names.replace([mine, `imap.${domain}. CNAME`], spf);
      await sees(server, {});
    });

    test('SPF by records of others: evaluated as a receiver does it', async () => {
      const { net, server, lines } = get();
      await byOthers(net, server, lines);
    });

    test('an alias where mail is brought to', async () => {
      const { net, server, lines } = get();
      const { domain, hostname } = server.identity;
      const own = lines.filter((line) => line.startsWith(`${hostname}. `));
      await net.names.replace(own, [`${hostname}. CNAME laptop.people.example.`]);
      const alias = (kind: string): string => `${kind} ${hostname} alias`;
      await sees(server, { records: [alias('address'), alias('address'), alias('spf')], codes: ['dns.cname'], code: 1 });
      await net.names.replace([`${hostname}. CNAME`], own);
      assert.deepEqual((await sees(server, {})).records.filter(({ name }) => name.endsWith(domain)).length > 0, true);
    });

    test('put right, but remembered elsewhere', async () => {
      const { net, server, lines } = get();
      const { domain } = server.identity;
      const [own = ''] = lines.filter((line) => line.startsWith(`${domain}. MX `));
      const other = `${domain}. MX 10 mail.right.example.`;
      /** Looked at while the resolver still knew the other one, which it does for a minute; undefined where that was over. */
      const looked = async (): Promise<Awaited<ReturnType<typeof checked>> | undefined> => {
        await net.names.replace([own], [other]);
        await sees(server, { records: [`mx ${domain} wrong`], codes: ['dns.wrong'], code: 1 });
        await net.names.replace([other], [own]);
        const seen = await checked(server, domain);
        const { stdout } = ok(await server.machine.run(['dig', '@127.0.0.1', '+short', domain, 'MX']));
        return stdout === '10 mail.right.example.\n' ? seen : undefined;
      };
      const { code, document } = await until('the other one is remembered', looked, 240_000);
      assert.deepEqual([code, told(document), codes(document)], [0, [`mx ${domain} stale`], ['dns.stale']]);
      const seconds = document.records.find(({ state }) => state === 'stale')?.stale_seconds ?? -1;
      assert.ok(seconds > 0 && seconds <= 60, String(seconds));
      await sees(server, {});
    });

    test('zones: wrong signatures, expired ones, none, a dead server, servers that do not serve them, no such domain', async () => {
      const { net, server } = get();
      await inZone(net, server, 'broken.example');
      await sees(server, { codes: ['dns.dnssec-broken'], code: 1 }, 'broken.example');
      await inZone(net, server, 'lapsed.example');
      const expired = await sees(server, { codes: ['dns.signatures-expired'], code: 1 }, 'lapsed.example');
      assert.match(
        expired.findings[0]?.message ?? '',
        /^the signatures of lapsed\.example \(DNSSEC\) expired on \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\): /,
      );
      await inZone(net, server, 'unsigned.example');
      await sees(server, { codes: ['dns.unsigned'] }, 'unsigned.example');
      await inZone(net, server, 'lame.example');
      await sees(server, { codes: ['dns.server-silent'], code: 1 }, 'lame.example');
      await server.order('domain', 'add', 'lost.example');
      await net.names.add('lost.example. NS ns1.example.');
      await forget(server, 'example');
      const lost = await checked(server, 'lost.example');
      assert.deepEqual([lost.code, codes(lost.document)], [1, ['dns.servers-dead']]);
      assert.match(lost.document.findings[0]?.message ?? '', /ns1\.example \(198\.18\.0\.3\) does not serve it \(REFUSED\)/);
      assert.deepEqual([...new Set(lost.document.records.map(({ state }) => state))], ['unknown']);
      await net.names.remove('lost.example. NS');
      await server.order('domain', 'add', 'nowhere.example');
      await forget(server, 'example');
      const nowhere = await checked(server, 'nowhere.example');
      assert.deepEqual([nowhere.code, codes(nowhere.document)], [1, ['dns.no-such-domain']]);
    });

    test('one of two name servers dead, then both', async () => {
      const { net, server } = get();
      const { primary, secondary } = net.names.servers;
      await secondary.end();
      await sees(server, { codes: ['dns.server-silent'], code: 1 });
      await primary.end();
      const { domain } = server.identity;
      await forget(server, domain);
      const { code, document } = await checked(server, domain);
      assert.deepEqual([code, codes(document)], [1, ['dns.servers-dead']]);
      await primary.begin();
      await secondary.begin();
      await sees(server, {});
    });

    test('names for mail programs, and who may issue certificates: removed, changed, doubled, at one server only', async () => {
      const { net, server } = get();
      const { domain, hostname } = server.identity;
      ok(await server.machine.run(['sh', '-c', CERTIFICATE, 'certificate', hostname, domain]));
      const lines = await publish(net, server, domain);
      const unread = 'dns.certificate-unread';
      await sees(server, { codes: [unread] });
      const imap = `imap.${domain}. CNAME ${hostname}.`;
      assert.ok(lines.includes(imap) && lines.includes(`${hostname}. CAA 0 issue "letsencrypt.org"`), lines.join('\n'));
      await net.names.remove(imap);
      await sees(server, { records: [`client imap.${domain} missing`], codes: ['dns.missing', unread], code: 1 });
      await net.names.add(`imap.${domain}. A ${OTHER}`);
      await sees(server, { records: [`client imap.${domain} wrong`], codes: ['dns.wrong', unread], code: 1 });
      await net.names.replace([`imap.${domain}. A`], [`imap.${domain}. CNAME mail.right.example.`]);
      await sees(server, { records: [`client imap.${domain} wrong`], codes: ['dns.wrong', unread], code: 1 });
      await net.names.replace([`imap.${domain}. CNAME`], [imap]);
      const caa = `${hostname}. CAA 0 issue`;
      await net.names.remove(`${hostname}. CAA`);
      await sees(server, { records: [`caa ${hostname} missing`], codes: ['dns.missing', unread] });
      await net.names.add(`${caa} "ca.right.example"`);
      await sees(server, { records: [`caa ${hostname} wrong`], codes: ['dns.wrong', unread], code: 1 });
      await net.names.add(`${caa} "letsencrypt.org"`);
      await sees(server, { records: [`caa ${hostname} differs`], codes: ['dns.differs', unread] });
      const goOn = await net.names.hold(`${domain}.`);
      await net.names.replace([`${hostname}. CAA`, imap], [`${caa} "ca.right.example"`, `imap.${domain}. CNAME mail.right.example.`]);
      const parted = [`caa ${hostname} not-everywhere`, `client imap.${domain} not-everywhere`];
      await sees(server, { records: parted, codes: ['dns.not-everywhere', 'dns.not-everywhere', unread], code: 1 });
      await net.names.replace([`${hostname}. CAA`, `imap.${domain}. CNAME`], [`${caa} "letsencrypt.org"`, imap]);
      await goOn();
      await sees(server, { codes: [unread] });
    });

    test('no resolver, no such domain of the server, a server that nobody outside reaches', async () => {
      const { server } = get();
      const { machine } = server;
      ok(await machine.run(['systemctl', 'stop', 'unbound']));
      const asked = await server.hauspost(['dns', 'check']);
      assert.deepEqual([asked.code, asked.stdout], [4, '']);
      assert.match(asked.stderr, /^hauspost: no name can be looked up from this machine/);
      ok(await machine.run(['systemctl', 'start', 'unbound']));
      const other = await server.hauspost(['dns', 'check', 'elsewhere.example']);
      assert.equal(other.code, 3, other.stderr);
      ok(await machine.run(['sed', '-i', 's/^profile = "public"/profile = "local"/', '/etc/hauspost/hauspost.toml']));
      const local = await server.hauspost(['dns', 'check']);
      assert.equal(local.code, 3, local.stderr);
      assert.match(local.stderr, /^hauspost: the profile is "local"/);
    });
  },
);
