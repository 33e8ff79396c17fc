/**
 * M19: versions and suites of TLS: 1.2 or newer everywhere, Mozilla's intermediate profile on the ports of clients; then the operator's own
 * certificates of either kind, and their renewal while people are connected. Both releases.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, createServer, type SecureVersion, type TLSSocket } from 'node:tls';
import { dated } from '../dated.ts';
import { Dialogue, fetched, type Release, type Server, serve, until } from '../index.ts';
import { announcedSize, answered, configure, exits, type Finding, generations, type Plan } from '../operator.ts';
import { disturbed } from '../parts/disturbed.ts';
import { FILES, LIVE, renewed } from '../tls-pair.ts';
import { holdUpkeep } from '../upkeep.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

const GOOD = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'];
/** Good ciphers, but with CBC. */
const WEAK = ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA', 'ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA384'];
/** How a refusal is told to the client, and what Dovecot says of it in its log. */
const TOO_OLD = { alert: /^ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION$/, words: 'unsupported protocol' };
const NO_COMMON_SUITE = { alert: /^ERR_SSL_SSL(?:V3|\/TLS)_ALERT_HANDSHAKE_FAILURE$/, words: 'no shared cipher' };

const versions = (version: SecureVersion): ConnectionOptions => ({ minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' });
const suite = (name: string): ConnectionOptions => ({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: `${name}:@SECLEVEL=0` });

/** Rejects with the alert of the other side. */
const handshake = async (socket: Socket, options: ConnectionOptions): Promise<TLSSocket> => {
  const secure = connectTls({ socket, ...options });
  await once(secure, 'secureConnect');
  return secure;
};

/** Reads clear text until `pattern` fits; what follows is left for TLS. */
const said = async (socket: Socket, pattern: RegExp): Promise<void> => {
  const signal = AbortSignal.timeout(30_000);
  for (let text = ''; !pattern.test(text); ) {
    const data = once(socket, 'data', { signal });
    socket.resume();
    text += String(((await data) as [Buffer])[0]);
    socket.pause();
  }
};

const startTls =
  (greeting: RegExp, dialogue: readonly (readonly [string, RegExp])[]) =>
  async (socket: Socket): Promise<void> => {
    await said(socket, greeting);
    for (const [line, answer] of dialogue) {
      socket.write(`${line}\r\n`);
      await said(socket, answer);
    }
  };

const smtp = startTls(/^220 .*\r\n$/, [
  ['EHLO mail.outside.test', /^250 .*\r\n$/m],
  ['STARTTLS', /^220 .*\r\n$/m],
]);
const fromTheStart = (): Promise<void> => Promise.resolve();

interface Port {
  readonly port: number;
  readonly begin: (socket: Socket) => Promise<void>;
  /** Other servers come here too, for whom any encryption is better than none. */
  readonly lenient?: true;
}

const PORTS: readonly Port[] = [
  { port: 443, begin: fromTheStart },
  { port: 465, begin: fromTheStart },
  { port: 993, begin: fromTheStart },
  { port: 25, begin: smtp, lenient: true },
  { port: 587, begin: smtp },
  { port: 143, begin: startTls(/^\* OK .*\r\n$/, [['a STARTTLS', /^a OK .*\r\n$/m]]) },
  { port: 4190, begin: startTls(/^OK .*\r\n$/m, [['STARTTLS', /^OK .*\r\n$/m]]) },
];

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    before(async () => {
      server = await serve(release);
    });
    after(() => server?.[Symbol.asyncDispose]());

    const shown = async ({ port, begin }: Port, options: ConnectionOptions): Promise<{ readonly words: string; readonly print: string }> => {
      const socket = await server.machine.dial({ host: '127.0.0.1', port });
      try {
        await begin(socket);
        const secure = await handshake(socket, { ...server.trust, ...options });
        assert.equal(secure.authorized, true, 'our own authority signed');
        return { words: `${secure.getProtocol()} ${secure.getCipher().name}`, print: secure.getPeerCertificate().fingerprint256 };
      } finally {
        socket.destroy();
      }
    };
    const speak = async (port: Port, options: ConnectionOptions): Promise<string> => (await shown(port, options)).words;

    /** Dovecot 2.3 hangs up without the alert; then its log tells that it refused, and mostly why (docs/dovecot.md). */
    const refuses = async (port: Port, options: ConnectionOptions, { alert, words }: typeof TOO_OLD): Promise<void> => {
      const hangsUp = release === 'bookworm' && [143, 993, 4190].includes(port.port);
      const told = new RegExp(`${words}|SSL_accept\\(\\) syscall failed: Invalid argument`, 'g');
      const count = async (): Promise<number> => (await server.machine.journalSoFar()).match(told)?.length ?? 0;
      const before = hangsUp ? await count() : 0;
      await assert.rejects(speak(port, options), { code: hangsUp ? 'ECONNRESET' : alert }, options.ciphers ?? '');
      if (hangsUp) await until(`the log says ${told}`, async () => (await count()) > before || undefined, 10_000);
    };

    test('the client of these tests speaks TLS 1.0, 1.1 and weak suites to a server that does', async () => {
      const [key, cert] = await Promise.all(
        ['key', 'chain'].map(async (name) => (await server.machine.run(['cat', `/var/lib/hauspost/tls/${name}.pem`])).stdout),
      );
      const lenient = createServer({ key, cert, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' });
      lenient.listen(0, '127.0.0.1');
      await once(lenient, 'listening');
      const address = lenient.address();
      assert.ok(typeof address === 'object' && address !== null);
      for (const options of [versions('TLSv1'), versions('TLSv1.1'), ...WEAK.map(suite)])
        (await handshake(connect(address.port, '127.0.0.1'), { ...server.trust, ...options })).destroy();
      lenient.close();
    });

    for (const port of PORTS) {
      test(`M19: port ${port.port} speaks TLS 1.2 and 1.3, and neither 1.1 nor 1.0`, async () => {
        assert.match(await speak(port, versions('TLSv1.2')), /^TLSv1\.2 ECDHE-/);
        assert.match(await speak(port, versions('TLSv1.3')), /^TLSv1\.3 TLS_/);
        await refuses(port, versions('TLSv1.1'), TOO_OLD);
        await refuses(port, versions('TLSv1'), TOO_OLD);
      });
    }

    for (const port of PORTS.filter(({ lenient }) => lenient === undefined)) {
      test(`M19: port ${port.port} takes the suites of the intermediate profile, and no CBC`, async () => {
        for (const name of GOOD) assert.equal(await speak(port, suite(name)), `TLSv1.2 ${name}`);
        for (const name of WEAK) await refuses(port, suite(name), NO_COMMON_SUITE);
      });
    }

    const TLS = [
      [versions('TLSv1.2'), 'TLSv1.2'],
      [versions('TLSv1.3'), 'TLSv1.3'],
    ] as const;
    /** Every port shows that certificate in both versions of TLS. A process that was idle when it was told to reload may still answer one more connection. */
    const everywhere = async (print: string, suites: RegExp): Promise<void> => {
      for (const port of PORTS)
        for (const [options, version] of TLS) {
          const found = await until(
            `port ${port.port} shows the certificate in ${version}`,
            async () => {
              const one = await shown(port, options);
              return one.print === print ? one.words : undefined;
            },
            20_000,
            100,
          );
          assert.match(found, suites, `${port.port}`);
        }
    };
    const READERS = ['reload postfix', 'reload dovecot', 'reload nginx'];
    const planned = async (): Promise<unknown> =>
      (await answered<Plan>(server, 'plan')).document.changes.map(({ kind, target, action, needs }) => [kind, target, action, needs]);

    test('M19: another certificate of the own authority, and another key, which in profile local nobody has to wait for; a session goes on', async () => {
      const lies = async (what: string): Promise<string> =>
        (await server.machine.run(['sh', '-c', `openssl x509 -in /var/lib/hauspost/tls/chain.pem -noout ${what}`])).stdout.trim();
      const print = async (): Promise<string> => (await lies('-fingerprint -sha256')).split('=')[1] ?? '';
      const imap = await server.imap(server.demo);
      for (const [words, keyStays] of [
        [['renew', '--force'], true],
        [['rollover'], false],
        [['renew', '--force'], true],
      ] as const) {
        const [before, key] = [await print(), await lies('-pubkey')];
        await exits(server, 0, 'cert', ...words);
        assert.notEqual(await print(), before);
        assert.equal((await lies('-pubkey')) === key, keyStays);
        await everywhere(await print(), /^TLSv1\.2 ECDHE-ECDSA-|^TLSv1\.3 /);
      }
      await imap.noop();
      assert.equal(imap.usable, true);
      await imap.logout();
      await exits(server, 0, 'plan');
    });

    test('M19: killed when key and chain have changed places and no daemon has read them: the next call has them read, and then the old ones go', async () => {
      const run = async (script: string): Promise<string> => (await server.machine.run(['sh', '-c', script])).stdout.trim();
      const lies = (): Promise<string> => run('openssl x509 -in /var/lib/hauspost/tls/chain.pem -noout -pubkey');
      const served = (): Promise<string> => run('openssl s_client -connect 127.0.0.1:993 </dev/null 2>/dev/null | openssl x509 -noout -pubkey');
      await holdUpkeep(server.machine);
      for (const words of [[], ['--cancel']]) {
        const before = await served();
        await disturbed(server, ['cert', 'rollover'], { before: 'systemctl', by: 'killed' });
        assert.notEqual(await lies(), before);
        assert.equal(await served(), before);
        assert.match((await exits(server, 0, 'cert', 'rollover', ...words)).stdout, /^The next key is in use\./);
        await until('it is served', async () => (await served()) === (await lies()) || undefined, 20_000, 100);
        assert.match(await run('cd /var/lib/hauspost/tls && ls next-key.pem pairs 2>&1'), /^ls: .*next-key\.pem.*\npairs:\n[0-9a-f]{16}$/);
        await exits(server, 0, 'plan');
      }
      await server.machine.run(['systemctl', 'kill', '--kill-whom=main', '--signal=CONT', 'hauspost-upkeep']);
    });

    /** A request that is begun before an apply, which asks nothing, and ended after it; false where that took as long as nginx gives a request (client_header_timeout). */
    const requestGoesOn = async (): Promise<boolean> => {
      const web = new Dialogue(await server.machine.dial({ host: '127.0.0.1', port: 443 }));
      await web.secure(server.trust);
      web.send('GET / HTTP/1.1\r\nHost: mail.hauspost.test\r\n\r\n');
      await web.take(/^HTTP\/1\.1 200 [\s\S]*<\/html>\n/);
      web.send('GET / HTTP/1.1\r\nHost: mail.hauspost.test\r\n'); // idle ones nginx ends, and clients open another (docs/nginx.md)
      const begun = performance.now();
      await exits(server, 0, 'apply');
      const inTime = performance.now() - begun < 14_000;
      if (inTime) {
        web.send('\r\n');
        await web.take(/^HTTP\/1\.1 200 [\s\S]*<\/html>\n/);
      }
      web.close();
      return inTime;
    };

    test("M19: the operator's ECDSA certificate is served on every port; so is RSA, after a renewal that nobody connected notices", async () => {
      const elliptic = await renewed(server.machine, 'ECDSA');
      await configure(server, `[web_ui]\nenabled = false\n${FILES}`);
      await exits(server, 0, 'apply', '--yes');
      await everywhere(elliptic, /^TLSv1\.2 ECDHE-ECDSA-|^TLSv1\.3 /);
      await exits(server, 0, 'plan');
      // Key and certificate are the operator's: what to do is said, nothing is done.
      for (const [word, told] of [
        ['rollover', /publish its TLSA record as well/],
        ['renew', /then run 'hauspost apply'/],
      ] as const)
        assert.match((await exits(server, 3, 'cert', word)).stderr, told);
      assert.match((await exits(server, 0, 'cert', 'status')).stdout, /^Source +files$/m);

      const [smtp, imap, sieve] = [await server.client(587, server.demo), await server.imap(server.demo), await server.sieve()];
      assert.equal((await sieve.login(server.demo)).status, 'OK');

      const numbers = await generations(server);
      const rsa = await until(
        'a request that is begun before apply may be ended after it',
        async () => {
          const print = await renewed(server.machine, 'RSA');
          assert.deepEqual(await planned(), [['certificate', `${LIVE}/chain.pem`, 'change', READERS]]);
          return (await requestGoesOn()) ? print : undefined;
        },
        120_000,
      );
      await everywhere(rsa, /^TLSv1\.2 ECDHE-RSA-|^TLSv1\.3 /);
      assert.deepEqual([await planned(), await generations(server)], [[], numbers]);

      const id = `<renewed-${release}@hauspost.test>`;
      for (const line of [`MAIL FROM:<${server.demo.user}>`, `RCPT TO:<${server.demo.user}>`]) assert.equal((await smtp.command(line)).code, 250);
      const head = [`From: <${server.demo.user}>`, `To: <${server.demo.user}>`, `Message-ID: ${id}`, dated(), 'Subject: renewed'];
      assert.equal((await smtp.data([...head, '', 'Over the session that was open before.', ''].join('\r\n'))).code, 250);
      await fetched(imap, 'INBOX', id);
      assert.equal((await sieve.command('LISTSCRIPTS')).status, 'OK');
      for (const session of [smtp, sieve]) session.close();
      await imap.logout();
    });

    test('M19: while something else is pending, the hook of whoever renews files is refused: that is said, and a day later upkeep has them read, and nothing else', async () => {
      const codes = async (command: string): Promise<readonly string[]> =>
        (await answered<{ findings: readonly Finding[] }>(server, command)).document.findings
          .map(({ code }) => code)
          .filter((code) => code === 'tls.not-read');
      const lie = async (days: number): Promise<void> => {
        assert.equal((await server.machine.run(['touch', '-d', `${days} days ago`, `${LIVE}/chain.pem`])).code, 0);
      };
      const [numbers, size] = [await generations(server), await announcedSize(server)];
      await configure(server, `[web_ui]\nenabled = false\n[mail]\nmessage_size_limit = "31M"\n${FILES}`);
      const pending = await planned();
      assert.deepEqual([await codes('status'), await codes('doctor')], [[], []]);
      const elliptic = await renewed(server.machine, 'ECDSA');
      assert.match((await exits(server, 3, 'apply')).stderr, /a question and no terminal to ask at/);
      for (const command of ['status', 'doctor']) assert.deepEqual(await codes(command), ['tls.not-read'], command);
      assert.equal((await exits(server, 0, 'upkeep')).stdout, '', 'the record of another key may have to be published');
      // Of a pair that does not belong together nothing is read.
      await lie(2);
      const key = (await server.machine.run(['readlink', `${LIVE}/key.pem`])).stdout.trim();
      await server.machine.run(['ln', '-sfn', key.replace(/[0-9]+/, '0'), `${LIVE}/key.pem`]);
      assert.match((await exits(server, 1, 'upkeep')).stdout, /does not belong to the first certificate/);
      await server.machine.run(['ln', '-sfn', key, `${LIVE}/key.pem`]);
      assert.notEqual((await shown({ port: 993, begin: fromTheStart }, versions('TLSv1.3'))).print, elliptic);

      assert.equal((await exits(server, 0, 'upkeep')).stdout, 'The certificate that lies there was read.\n');
      await everywhere(elliptic, /^TLSv1\.2 ECDHE-ECDSA-|^TLSv1\.3 /);
      assert.deepEqual([await planned(), await generations(server), await announcedSize(server)], [pending, numbers, size]);
      assert.deepEqual([await codes('status'), await codes('doctor')], [[], []]);
      assert.equal((await exits(server, 0, 'upkeep')).stdout, '');
    });
  });
}
