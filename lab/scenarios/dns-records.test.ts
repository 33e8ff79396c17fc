/**
 * What `dns records` prints is all that a server needs to be believed. The zone file that it prints, and the names of addresses that it says are to be
 * asked for, take the place of what the lab publishes by hand; then foreign servers verify SPF, DKIM and DMARC of two domains, one of them named by
 * `include`, and bring mail here over DANE.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromKeys, type Login, refusedInput } from '../index.ts';
import { type EximServer, type Internet, onEachReleaseThere, type Ours, reverseOf } from '../internet/index.ts';
import { exits } from '../operator.ts';
import { bringsOverDane, isBelieved } from '../parts/believed.ts';
import { json, ok, text } from '../people.ts';
import { sql } from '../sql.ts';

const FURTHER = 'further.example';
const ANNA: Login = { user: `anna@${FURTHER}`, pass: 'password-of-anna' };

interface Document {
  readonly records: readonly { readonly name: string; readonly type: string; readonly zone: string }[];
  readonly reverse: readonly { readonly name: string; readonly address: string; readonly data: { readonly target: string } }[];
  readonly left_out: readonly { readonly what: string }[];
  readonly findings: readonly { readonly code: string }[];
}

/** Lines with records, as the lab's zones have them: each lives as long as all others there. */
const recordLines = (zone: string): readonly string[] =>
  zone.split('\n').flatMap((line) => {
    if (line === '' || line.startsWith(';')) return [];
    const [, name, rest] = /^(\S+) 3600 IN (.+)$/.exec(line) ?? [];
    assert.ok(name !== undefined && rest !== undefined, line);
    return [`${name} ${rest}`];
  });

/** Of Ed25519 and of RSA. */
const selectorsOf = async ({ machine }: Ours, domain: string): Promise<readonly string[]> => {
  const { stdout } = ok(await machine.run(['ls', `/var/lib/rspamd/dkim/${domain}`]));
  assert.match(stdout, /^(h\d{8})-ed25519\.key\n\1\.key\n$/);
  return stdout.split('\n').flatMap((name) => (name === '' ? [] : [name.replace('.key', '')]));
};

const TLSA =
  'openssl s_client -starttls smtp -connect 127.0.0.1:25 2>/dev/null </dev/null | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum';

const handsOf = async (server: Ours, domain: string): Promise<readonly string[]> => {
  const { hostname } = server.identity;
  return [`${hostname}. A`, `${hostname}. AAAA`, `_25._tcp.${hostname}. TLSA`, `${domain}. MX`, `${domain}. TXT`].concat(
    (await selectorsOf(server, domain)).map((selector) => `${selector}._domainkey.${domain}. TXT`),
  );
};

/** What the lab published goes; what was printed comes. */
const arrange = async (net: Internet, server: Ours): Promise<{ readonly right: EximServer; readonly printed: readonly string[] }> => {
  const { domain, addresses } = server.identity;
  await server.order('domain', 'add', FURTHER);
  await server.account(ANNA);
  await net.names.remove(...(await handsOf(server, domain)), ...Object.values(reverseOf(addresses)).map((name) => `${name} PTR`));
  const printed = recordLines(await text(server, 'dns', 'records', '--zone'));
  const { reverse } = (await json(server, 'dns', 'records')) as Document;
  await net.names.add(...printed, ...reverse.map(({ name, data }) => `${name}. PTR ${data.target}.`));
  await net.names.add('right.example. TXT "v=spf1 mx -all"');
  return { right: await net.exim('right', { certificate: 'authority', tlsa: 'right' }), printed };
};

const SERVICES = ['_submissions._tcp 0 1 465', '_submission._tcp 10 1 587', '_imaps._tcp 0 1 993', '_imap._tcp 10 1 143'];

const expectedOf = async (server: Ours, domain: string, spf: string): Promise<readonly string[]> => {
  const { hostname } = server.identity;
  const keys = (await selectorsOf(server, domain)).map(async (selector) => {
    const [[key = ''] = []] = await fromKeys(server.machine)(`${selector}._domainkey.${domain}`);
    const strings = key.length > 255 ? [key.slice(0, 255), key.slice(255)] : [key];
    return `${selector}._domainkey.${domain}. TXT ${strings.map((each) => `"${each}"`).join(' ')}`;
  });
  return [
    `${domain}. MX 10 ${hostname}.`,
    `${domain}. TXT "v=spf1 ${spf}:${hostname} ~all"`,
    ...(await Promise.all(keys)),
    `_dmarc.${domain}. TXT "v=DMARC1; p=none; np=reject; rua=mailto:postmaster@${domain}"`,
    ...SERVICES.map((line) => line.replace(' ', `.${domain}. SRV `)).map((line) => `${line} ${hostname}.`),
    `_pop3s._tcp.${domain}. SRV 0 0 0 .`,
    `_pop3._tcp.${domain}. SRV 0 0 0 .`,
  ];
};

onEachReleaseThere(
  ({ net, server }) => arrange(net, server),
  (get) => {
    test('exactly the records that are needed, with the key that is served and those that sign', async () => {
      const { server, printed } = get();
      const { hostname, domain, addresses } = server.identity;
      const digest = ok(await server.machine.run(['sh', '-c', TLSA])).stdout.split(' ')[0];
      const host = [
        `${hostname}. A ${addresses.v4}`,
        `${hostname}. AAAA ${addresses.v6}`,
        `${hostname}. TXT "v=spf1 a -all"`,
        `_25._tcp.${hostname}. TLSA 3 1 1 ${digest}`,
      ];
      assert.deepEqual(
        [...printed].sort(),
        [...host, ...(await expectedOf(server, domain, 'a')), ...(await expectedOf(server, FURTHER, 'include'))].sort(),
      );
      const { reverse, findings } = (await json(server, 'dns', 'records')) as Document;
      assert.deepEqual(
        reverse.map(({ name, address, data }) => [`${name}.`, address, data.target]),
        [
          [reverseOf(addresses).v4, addresses.v4, hostname],
          [reverseOf(addresses).v6, addresses.v6, hostname],
        ],
      );
      assert.deepEqual(findings, []);
    });

    for (const whose of ['the domain that the host is in', 'a further domain'])
      test(`what ${whose} sends: SPF, DKIM and DMARC pass far away; from elsewhere none of them does`, async () => {
        const { net, server, right } = get();
        await isBelieved(net, server, right, whose === 'a further domain' ? ANNA : server.demo);
      });

    test('a foreign server brings mail over DANE', async () => {
      const { server, right } = get();
      await bringsOverDane(server, right);
    });

    test('as a file, included in the zone that is there: Knot finds nothing wrong with it', async () => {
      const { server, right } = get();
      const { domain } = server.identity;
      const checked = async (printed: string): Promise<number> => {
        const own = `${domain}. 60 IN SOA ns1.example. hostmaster.example. 1 3600 600 86400 0\n${domain}. 60 IN NS ns1.example.\n`;
        const conf = `zone:\n  - domain: ${domain}\n    file: /tmp/zone\n    semantic-checks: on\n`;
        await right.host.room.put({ '/tmp/printed': printed, '/tmp/zone': `${own}$INCLUDE /tmp/printed\n`, '/tmp/knot.conf': conf });
        return (await right.host.room.run(['knotc', '-c', '/tmp/knot.conf', 'zone-check', domain])).code;
      };
      const printed = await text(server, 'dns', 'records', domain, '--zone');
      assert.equal(await checked(printed), 0);
      assert.notEqual(await checked(printed.replace(' MX 10 ', ' MX ten ')), 0, 'and would find what is');
    });

    test('one domain, every format, names in another script, a domain without a key', async () => {
      const { server } = get();
      const { domain, hostname } = server.identity;
      const one = (await json(server, 'dns', 'records', FURTHER)) as Document;
      assert.deepEqual([...new Set(one.records.map(({ zone }) => zone))], [FURTHER]);
      const own = (await json(server, 'dns', 'records', hostname)) as Document;
      assert.deepEqual([...new Set(own.records.map(({ name }) => name))], [hostname, `_25._tcp.${hostname}`]);
      assert.match(await text(server, 'dns', 'records', FURTHER, '--plain'), new RegExp(`^Zone ${FURTHER}\n@\tMX\t10 ${hostname}\\.\n`));
      assert.match(await text(server, 'dns', 'records', domain, '--dnscontrol'), new RegExp(`^D_EXTEND\\("${domain}",\n.*\n  A\\("mail", "`));
      assert.match(await text(server, 'dns', 'records', domain, '--octodns'), new RegExp(`^---\n# ${domain}\\.yaml\n`));
      await server.order('domain', 'add', 'bücher.example');
      assert.match(
        await text(server, 'dns', 'records', 'bücher.example'),
        /^Zone bücher\.example\n\nNAME +TYPE +VALUE\nbücher\.example +MX +10 \S+\n {4}mail for this domain /,
      );
      assert.match(await text(server, 'dns', 'records', 'bücher.example', '--zone'), /^xn--bcher-kva\.example\. 3600 IN MX 10 /m);
      ok(await server.machine.run(['systemctl', 'stop', 'hauspost-dkim-keys']));
      await sql(server.machine, "INSERT INTO domains (domain) VALUES ('keyless.example')");
      const keyless = (await json(server, 'dns', 'records', 'keyless.example')) as Document;
      assert.deepEqual(
        [keyless.records.filter(({ name }) => name.includes('_domainkey')), keyless.left_out[0]?.what],
        [[], 'DKIM of keyless.example'],
      );
      const words = ['dns', 'records', 'furhter.example'];
      refusedInput(await server.hauspost(words), { words, names: `is ${FURTHER} meant?` });
      const { stderr } = await server.machine.run(['/opt/hauspost/hauspost', 'dns', 'records'], { user: 'www-data' });
      assert.match(stderr, /^hauspost: 'hauspost dns records' needs root\n/m);
    });

    test('behind a router: the addresses that are written; by a relay SPF is open', async () => {
      const { server } = get();
      const more = '[network]\npublic_addresses = ["203.0.113.25"]\n[outgoing]\nrelay_host = "smtp.example.com"\n';
      ok(await server.machine.run(['sh', '-c', 'cat >>/etc/hauspost/hauspost.toml'], { input: more }));
      const { stdout, stderr } = await exits(server, 0, 'dns', 'records', '--zone');
      const lines = recordLines(stdout);
      const { hostname, addresses } = server.identity;
      assert.ok(lines.includes(`${hostname}. A 203.0.113.25`) && lines.includes(`${hostname}. AAAA ${addresses.v6}`), stdout);
      assert.ok(lines.includes(`${hostname}. TXT "v=spf1 a ip4:${addresses.v4} ?all"`), stdout);
      assert.match(stdout, /^; 203\.0\.113\.25: 25\.113\.0\.203\.in-addr\.arpa\. PTR /m);
      assert.match(stderr, /^warning: mail leaves by smtp\.example\.com, /m);
    });
  },
);
