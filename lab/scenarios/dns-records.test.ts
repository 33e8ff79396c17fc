/**
 * What `dns records` prints is all that a server needs to be believed. The zone file that it prints, and the names of addresses that it says are to be
 * asked for, take the place of what the lab publishes by hand; then foreign servers verify SPF, DKIM and DMARC of two domains, one of them named by
 * `include`, and bring mail here over DANE.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authenticate, type AuthenticateOptions } from 'mailauth';
import { dated } from '../dated.ts';
import { arrived, fromKeys, type Login, refusedInput } from '../index.ts';
import { askingFrom, type EximServer, fateOf, type Internet, onEachReleaseThere, type Ours, readerAt, reverseOf } from '../internet/index.ts';
import { exits } from '../operator.ts';
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

const selectorOf = async ({ machine }: Ours, domain: string): Promise<string> => {
  const { stdout } = ok(await machine.run(['ls', `/var/lib/rspamd/dkim/${domain}`]));
  assert.match(stdout, /^h\d{8}\.key\n$/);
  return stdout.split('.')[0] ?? '';
};

const TLSA =
  'openssl s_client -starttls smtp -connect 127.0.0.1:25 2>/dev/null </dev/null | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum';

const handsOf = async (server: Ours, domain: string): Promise<readonly string[]> => {
  const { hostname } = server.identity;
  return [`${hostname}. A`, `${hostname}. AAAA`, `_25._tcp.${hostname}. TLSA`, `${domain}. MX`, `${domain}. TXT`].concat(
    `${await selectorOf(server, domain)}._domainkey.${domain}. TXT`,
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
  const selector = await selectorOf(server, domain);
  const [[key = ''] = []] = await fromKeys(server.machine)(`${selector}._domainkey.${domain}`);
  const whole = key.replace('; p=', '; k=rsa; p=');
  return [
    `${domain}. MX 10 ${hostname}.`,
    `${domain}. TXT "v=spf1 ${spf}:${hostname} ~all"`,
    `${selector}._domainkey.${domain}. TXT "${whole.slice(0, 255)}" "${whole.slice(255)}"`,
    `_dmarc.${domain}. TXT "v=DMARC1; p=none; np=reject; rua=mailto:postmaster@${domain}"`,
    ...SERVICES.map((line) => line.replace(' ', `.${domain}. SRV `)).map((line) => `${line} ${hostname}.`),
    `_pop3s._tcp.${domain}. SRV 0 0 0 .`,
    `_pop3._tcp.${domain}. SRV 0 0 0 .`,
  ];
};

const send = async (server: Ours, { user, pass }: Login, to: string, id: string): Promise<void> => {
  const smtp = await server.client(587, { user, pass });
  const lines = [
    `From: <${user}>`,
    `To: <${to}>`,
    `Subject: ${id}`,
    dated(),
    `Message-ID: <${id}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain',
    '',
    'Hello.',
    '',
  ];
  for (const line of [`MAIL FROM:<${user}>`, `RCPT TO:<${to}>`]) assert.equal((await smtp.command(line)).code, 250, line);
  assert.equal((await smtp.data(lines.join('\r\n'))).code, 250);
  smtp.close();
};

interface Verdict {
  readonly spf: string;
  readonly dkim: readonly string[];
  readonly dmarc: string;
  readonly policy: string;
}

/** By mailauth, which asks what the host of the receiver would ask. */
const verdict = async (
  { host }: EximServer,
  message: string,
  from: { readonly ip: string; readonly helo: string; readonly sender: string },
): Promise<Verdict> => {
  const resolver = askingFrom(host) as NonNullable<AuthenticateOptions['resolver']>;
  const source = Buffer.from(message.replace(/\r?\n/g, '\r\n'), 'latin1');
  const { spf, dkim, dmarc } = await authenticate(source, { ...from, mta: host.name, resolver, disableArc: true, disableBimi: true });
  return {
    spf: spf === false ? '' : spf.status.result,
    dkim: dkim.results.map(({ signingDomain, status }) => `${signingDomain} ${status.result === 'pass' ? 'pass' : 'fail'}`),
    dmarc: dmarc === false ? '' : dmarc.status.result,
    policy: dmarc === false ? '' : String(dmarc.policy),
  };
};

/** The address from which Exim got the message that it wrote down. */
const clientOf = (message: string): string =>
  /^Received: from \S+ \(\[([0-9a-f.:]+)\]|^Received: from [^[]*\[([0-9a-f.:]+)\]/m.exec(message)?.slice(1).find(Boolean) ?? '';

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
        const login = whose === 'a further domain' ? ANNA : server.demo;
        const domain = login.user.split('@')[1] ?? '';
        const to = readerAt('right.example');
        await send(server, login, to, `${to}.${domain}`);
        const { status, tls } = await fateOf(server, to);
        assert.deepEqual([status, tls?.level], ['sent', 'Verified']);
        const message = await right.message(`${to}.${domain}`);
        const from = { ip: clientOf(message), helo: server.identity.hostname, sender: login.user };
        assert.ok(Object.values(server.identity.addresses).includes(from.ip), message);
        const believed = { spf: 'pass', dkim: [`${domain} pass`], dmarc: 'pass', policy: 'none' };
        assert.deepEqual(await verdict(right, message, from), believed);
        for (const ip of Object.values(server.identity.addresses)) assert.equal((await verdict(right, message, { ...from, ip })).spf, 'pass', ip);
        const forged = message.replace('Hello.', 'Hallo.');
        assert.deepEqual(await verdict(right, forged, { ...from, ip: net.people.addresses.v4 }), {
          spf: 'softfail',
          dkim: [`${domain} fail`],
          dmarc: 'fail',
          policy: 'none',
        });
        const below = forged.replace(`From: <${login.user}>`, `From: <x@nowhere.${domain}>`);
        assert.equal((await verdict(right, below, { ...from, ip: net.people.addresses.v4 })).policy, 'reject', 'a name that does not exist');
      });

    test('a foreign server brings mail over DANE', async () => {
      const { server, right } = get();
      const id = 'dane@right.example';
      await right.submit(
        'reader@right.example',
        server.demo.user,
        `From: reader@right.example\nTo: ${server.demo.user}\n${dated()}\nMessage-ID: <${id}>\n\nHello.\n`,
      );
      const imap = await server.imap(server.demo);
      await arrived(imap, `<${id}>`, 60_000);
      await imap.logout();
      const line = (await right.log()).split('\n').find((each) => each.includes(` => ${server.demo.user} `));
      assert.match(line ?? '', / CV=dane /);
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
      assert.match(await text(server, 'dns', 'records', 'bücher.example'), /^Zone bücher\.example\n\nNAME .*\nbücher\.example +MX +10 /);
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
