/** C12, and D1 for `tlspolicies`: policies set by command and by SQL count for the next message; outside.test's server offers no TLS. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nameServer, type Outside, outside, type Release, type Server, serve, until } from '../index.ts';
import { answered, exits, type Finding } from '../operator.ts';
import { askForName, signedServer } from '../signed-zone.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
const FINGERPRINT = Array.from({ length: 32 }, (_, n) => n.toString(16).padStart(2, '0')).join(':');

/** What Postfix says of a delivery to a server without TLS. */
const SENT = 'sent (250 kept)';
const NO_TLS = 'deferred (TLS is required, but was not offered by host mail.outside.test[127.0.0.9])';
const NONSENSE = 'deferred (client TLS configuration problem)';

/** By command: each policy, and each parameter. */
const RIGHT: readonly (readonly [readonly string[], string])[] = [
  [['none'], SENT],
  [['may'], SENT],
  [['may', 'protocols=>=TLSv1:<=TLSv1.3', 'ciphers=medium'], SENT],
  [['encrypt'], NO_TLS],
  [['encrypt', 'protocols=!SSLv2:!TLSv1.1', 'ciphers=high', 'exclude=AES128:SHA1'], NO_TLS],
  [['dane', 'exclude=aNULL'], SENT],
  [['fingerprint', `match=${FINGERPRINT}|${FINGERPRINT}`], NO_TLS],
  [['verify', 'match=hostname', 'servername=hostname'], NO_TLS],
  [['secure'], NO_TLS],
  [['secure', 'match=nexthop:dot-nexthop', 'match=mail.example.net', 'connection_reuse=no'], NO_TLS],
];

/** By SQL, which asks nobody: what the command refuses is what Postfix cannot use. */
const WRONG: readonly (readonly [string, string | null])[] = [
  ['may', 'match=.example.net'],
  ['dane-only', 'tafile=/etc/ssl/ca.pem'],
  ['secure', 'match=.example.net,.example.org'],
  ['secure', 'match='],
  ['secure', 'match'],
  ['secure', 'colour=blue'],
  ['fingerprint', null],
  ['encrypt', 'ciphers=high ciphers=medium'],
  ['encrypt', 'connection_reuse=maybe'],
];

/** Resolvers that the machine might have: one passes DNSSEC records on, one does not. */
const [CARRIES, STRIPS] = ['127.0.0.54', '127.0.0.55'];
const SERVFAIL = 2;

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    let peer: Outside;
    before(async () => {
      server = await serve(release);
      peer = await outside(server.machine);
    });
    after(async () => {
      await peer?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    let sent = 0;
    /** The status that Postfix logs for a message to outside.test. */
    const fate = async (): Promise<string> => {
      const name = `number-${++sent}`;
      const input = `From: ${server.demo.user}\nSubject: policy\n\nHello.\n`;
      const { code, stderr } = await server.machine.run(['sendmail', '-f', server.demo.user, `${name}@outside.test`], { input });
      assert.equal(code, 0, stderr);
      const line = new RegExp(`to=<${name}@outside\\.test>.* status=(.*)`);
      return until(`${name} is sent or deferred`, async () => line.exec(await server.machine.journalSoFar())?.[1], 30_000, 200);
    };

    const sql = async (text: string): Promise<void> => {
      const { code, stderr } = await server.machine.run(['mariadb', 'vmail', '-e', text]);
      assert.equal(code, 0, stderr);
    };

    test('C12, C13: set, replaced, listed, removed', async () => {
      const set = await answered<object>(server, 'tls-policy', 'set', 'Example.test', 'secure', 'match=.example.net');
      assert.deepEqual(set, { code: 0, document: { domain: 'example.test', policy: 'secure', params: 'match=.example.net', warnings: [] } });
      await exits(server, 0, 'tls-policy', 'set', 'example.test', 'encrypt');
      await exits(server, 0, 'tls-policy', 'set', '.example.test', 'may', 'ciphers=high');
      assert.deepEqual((await answered(server, 'tls-policy', 'list')).document, [
        { domain: '.example.test', policy: 'may', params: 'ciphers=high' },
        { domain: 'example.test', policy: 'encrypt', params: null },
      ]);
      assert.equal((await exits(server, 0, 'tls-policy', 'list')).stdout, '.example.test  may ciphers=high\nexample.test   encrypt\n');
      for (const domain of ['example.test', '.example.test']) await exits(server, 0, 'tls-policy', 'remove', domain);
      assert.match((await exits(server, 3, 'tls-policy', 'remove', 'example.test')).stderr, /there is no TLS policy for example\.test/);
      assert.deepEqual((await answered(server, 'tls-policy', 'list')).document, []);
    });

    test('M15: what the command takes, Postfix understands, and each policy has its effect on the next message', async () => {
      assert.equal(await fate(), SENT, 'without a policy');
      for (const [words, expected] of RIGHT) {
        await exits(server, 0, 'tls-policy', 'set', 'outside.test', ...words);
        assert.equal(await fate(), expected, words.join(' '));
      }
      await exits(server, 0, 'tls-policy', 'remove', 'outside.test');
      assert.equal(await fate(), SENT, 'without a policy again');
      assert.doesNotMatch(await server.machine.journal(), /smtp_tls_policy_maps|TLS policy lookup/);
    });

    test('D1: UPDATE of each column by SQL counts, and what the command refuses is what Postfix cannot use', async () => {
      await sql("INSERT INTO tlspolicies (domain, policy) VALUES ('outside.test', 'encrypt')");
      assert.equal(await fate(), NO_TLS);
      await sql("UPDATE tlspolicies SET policy = 'none'");
      assert.equal(await fate(), SENT);
      for (const [policy, params] of WRONG) {
        const value = params === null ? 'NULL' : `'${params}'`;
        await sql(`UPDATE tlspolicies SET policy = '${policy}', params = ${value}`);
        assert.equal(await fate(), NONSENSE, `${policy} ${value}`);
        const words = params === null ? [] : params.split(' ');
        assert.equal((await server.hauspost(['tls-policy', 'set', 'outside.test', policy, ...words])).code, 3, `${policy} ${value}`);
      }
      await sql("UPDATE tlspolicies SET domain = 'example.test'");
      assert.equal(await fate(), SENT);
      await sql("UPDATE tlspolicies SET domain = 'OUTSIDE.test', policy = 'encrypt', params = NULL");
      assert.equal(await fate(), NO_TLS);
      await sql('DELETE FROM tlspolicies');
      assert.equal(await fate(), SENT);
    });

    test('D1, C12: a row with a policy that is none is listed, named by doctor and removed; Postfix passes over it', async () => {
      const marked = async (): Promise<readonly string[]> =>
        (await answered<{ findings: readonly Finding[] }>(server, 'doctor')).document.findings.flatMap(({ level, code, message }) =>
          code === 'tls-policy.unusable' ? [`${level} ${message}`] : [],
        );
      await exits(server, 0, 'tls-policy', 'set', 'example.test', 'encrypt');
      assert.deepEqual(await marked(), []);
      await sql("INSERT IGNORE INTO tlspolicies (domain, policy) VALUES ('outside.test', 'bogus')");
      assert.equal(await fate(), SENT);
      assert.deepEqual((await answered(server, 'tls-policy', 'list')).document, [
        { domain: 'example.test', policy: 'encrypt', params: null },
        { domain: 'outside.test', policy: '', params: null },
      ]);
      assert.equal((await exits(server, 0, 'tls-policy', 'list')).stdout, 'example.test  encrypt\noutside.test  ""\n');
      assert.deepEqual(await marked(), [
        `warning TLS policies that 'hauspost tls-policy set' would refuse, and Postfix may not be able to use: outside.test (policy "" is none that Postfix knows)`,
      ]);
      await exits(server, 3, 'tls-policy', 'set', 'outside.test', 'bogus');
      assert.deepEqual((await answered(server, 'tls-policy', 'remove', 'outside.test')).document, {
        domain: 'outside.test',
        policy: '',
        params: null,
      });
      await exits(server, 0, 'tls-policy', 'remove', 'example.test');
      assert.deepEqual((await answered(server, 'tls-policy', 'list')).document, []);
    });

    test('without validated DNS the command says what becomes of dane and dane-only', async () => {
      const { document } = await answered<{ warnings: { code: string }[] }>(server, 'tls-policy', 'set', 'outside.test', 'dane-only');
      assert.deepEqual(
        document.warnings.map(({ code }) => code),
        ['tls-policy.no-dnssec'],
      );
      assert.equal(await fate(), NONSENSE);
      await exits(server, 0, 'tls-policy', 'set', 'outside.test', 'dane');
      assert.equal(await fate(), SENT);
    });

    test('C1: names are validated where the resolvers of the machine carry DNSSEC, and mail goes with DANE; else a warning says that it is not so', async () => {
      const { machine } = server;
      const [signed, forged] = [{ 'signed.example.': '192.0.2.1' }, { 'forged.example.': '192.0.2.2' }];
      const plain = Object.entries({ ...signed, ...forged }).map(([name, data]) => ({ name: name.slice(0, -1), type: 'A' as const, data }));
      await using carrying = await signedServer(machine, CARRIES, signed, forged);
      await using _stripping = await nameServer(machine, STRIPS, plain);
      const shell = async (script: string, input = ''): Promise<string> => {
        const { code, stdout, stderr } = await machine.run(['sh', '-e', '-c', script], { input });
        assert.equal(code, 0, stderr);
        return stdout;
      };
      await shell(
        'cat >/usr/share/dns/root.key; cp /usr/share/dns/root.key /var/lib/unbound/root.key; chown unbound: /var/lib/unbound/root.key',
        `${carrying.anchor}\n`,
      );
      const warnings = async (command: string): Promise<readonly string[]> =>
        (await answered<{ findings: readonly Finding[] }>(server, command)).document.findings.map(({ code, message }) => `${code} ${message}`);
      const named = async (...resolvers: readonly string[]): Promise<void> => {
        await shell('cat >/etc/resolv.conf', resolvers.map((address) => `nameserver ${address}\n`).join(''));
        await exits(server, 0, 'apply', '--yes');
      };
      const level = (): Promise<string> => shell('postconf -h smtp_tls_security_level smtp_dns_support_level');

      for (const resolvers of [[STRIPS], [CARRIES, STRIPS]]) {
        await named(...resolvers);
        const warning = `resolver.not-validated names are not validated (DNSSEC), and mail to others goes without DANE: the resolvers in /etc/resolv.conf (${resolvers.join(', ')}) do not pass signatures on`;
        for (const command of ['plan', 'status', 'apply']) assert.deepEqual(await warnings(command), [warning], command);
        for (const command of ['status', 'plan'])
          assert.match(
            (await exits(server, 0, command)).stdout,
            /^Attention: names are not validated \(DNSSEC\), .*\n {2}Name others there, or write mode = "recursive"/m,
          );
        assert.equal(await level(), 'may\n\n');
      }
      assert.equal((await warnings('up')).length, 1);
      // Through both: what is forged is believed, whoever tells it.
      for (const name of ['signed.example.', 'forged.example.'])
        assert.deepEqual(await askForName(machine, '127.0.0.1', name), { code: 0, validated: false, answers: 1 }, name);

      await named(CARRIES);
      for (const command of ['plan', 'status', 'apply', 'up']) assert.deepEqual(await warnings(command), [], command);
      assert.equal(await level(), 'dane\ndnssec\n');
      assert.deepEqual(await askForName(machine, '127.0.0.1', 'signed.example.'), { code: 0, validated: true, answers: 1 });
      assert.deepEqual(await askForName(machine, '127.0.0.1', 'forged.example.'), { code: SERVFAIL, validated: false, answers: 0 });
      assert.deepEqual(await askForName(machine, CARRIES, 'forged.example.'), { code: 0, validated: false, answers: 1 }, 'it is there');
    });
  });
}
