/** M3, M4, M10, M11, M12: what somebody finds who logs in to read mail. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fetched, type Release, type Server, serve } from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
/** RFC 6154; INBOX is its own. */
const SPECIAL: Readonly<Record<string, string>> = { Spam: '\\Junk', Trash: '\\Trash', Drafts: '\\Drafts', Sent: '\\Sent', Archive: '\\Archive' };

const refusedLogin = async (server: Server, user: string, pass: string): Promise<void> => {
  await assert.rejects(server.imap({ user, pass }), (error: Error & { authenticationFailed?: boolean; response?: { attributes?: unknown } }) => {
    assert.equal(error.authenticationFailed, true, String(error));
    return true;
  });
};

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    before(async () => {
      server = await serve(release);
      for (const [address, ...flags] of [['anna@hauspost.test'], ['robot@hauspost.test', '--send-only'], ['gone@hauspost.test', '--disabled']]) {
        const { code, stderr } = await server.hauspost(['account', 'add', address ?? '', ...flags, '--password-stdin'], 'a-password\n');
        assert.equal(code, 0, stderr);
      }
    });
    after(() => server?.[Symbol.asyncDispose]());

    test('M11: a first login shows the folders, subscribed, each with its special use', async () => {
      const imap = await server.imap({ user: 'anna@hauspost.test', pass: 'a-password' });
      const folders = await imap.list();
      assert.deepEqual(folders.map(({ path }) => path).toSorted(), ['INBOX', ...Object.keys(SPECIAL)].toSorted());
      for (const folder of folders) {
        assert.equal(folder.subscribed, true, folder.path);
        if (folder.path !== 'INBOX') assert.equal(folder.specialUse, SPECIAL[folder.path]);
      }
      await imap.logout();
    });

    test('M12: IMAP on 993 with TLS and on 143 with STARTTLS; both are the same mailbox', async () => {
      const [tls, starttls] = [await server.imap(server.demo), await server.imap(server.demo, { port: 143, secure: false, doSTARTTLS: true })];
      const source = 'Message-ID: <m12-imap@client.test>\r\nSubject: twice\r\n\r\ntext\r\n';
      await tls.append('Drafts', source, []);
      assert.equal(await fetched(starttls, 'Drafts', '<m12-imap@client.test>'), source);
      await tls.logout();
      await starttls.logout();
    });

    test('M12: no login in clear on 143, whatever the words', async () => {
      const { user, pass } = server.demo;
      const plain = Buffer.from(`\0${user}\0${pass}`).toString('base64');
      for (const words of [`LOGIN ${user} ${pass}`, `AUTHENTICATE PLAIN ${plain}`]) {
        const socket = await server.machine.dial({ host: '127.0.0.1', port: 143, localAddress: '127.0.0.9' });
        let said = '';
        const answered = new Promise<void>((resolve, reject) => {
          socket.on('data', (chunk: Buffer) => {
            said += chunk.toString('latin1');
            if (/^a1 /m.test(said)) resolve();
          });
          socket.on('error', reject).on('close', () => reject(new Error(`closed: ${said}`)));
        });
        socket.write(`a1 ${words}\r\n`);
        await answered;
        socket.destroy();
        assert.match(said, /^a1 (NO|BAD) /m);
        assert.match(said, /^\* OK .*(LOGINDISABLED|STARTTLS)/m);
      }
    });

    test('M3: a send-only account is told what a wrong password is told, and nothing else', async () => {
      await refusedLogin(server, 'robot@hauspost.test', 'a-password');
      const { stdout } = await server.machine.run(['journalctl', '-u', 'dovecot', '-o', 'cat', '--no-pager']);
      assert.doesNotMatch(stdout, /internal (authentication )?(error|failure)/i);
    });

    test('M4: a disabled account does not get in; enabled by plain SQL it does, within three seconds', async () => {
      await refusedLogin(server, 'gone@hauspost.test', 'a-password');
      const sql = (enabled: number): Promise<unknown> =>
        server.machine.run(['mariadb', 'vmail', '-e', `UPDATE accounts SET enabled = ${enabled} WHERE username = 'gone'`]);
      await sql(1);
      const begun = performance.now();
      const imap = await server.imap({ user: 'gone@hauspost.test', pass: 'a-password' });
      console.log(`    enabled by SQL, logged in ${Math.round(performance.now() - begun)} ms later`);
      await imap.logout();
      await sql(0);
      await refusedLogin(server, 'gone@hauspost.test', 'a-password');
    });

    test('wrong passwords and unknown accounts look alike', async () => {
      await refusedLogin(server, 'anna@hauspost.test', 'wrong');
      await refusedLogin(server, 'nobody@hauspost.test', 'wrong');
    });

    test('M10: ManageSieve greets on 4190, offers STARTTLS, and lists what users may use', async () => {
      const socket = await server.machine.dial({ host: '127.0.0.1', port: 4190 });
      let said = '';
      await new Promise<void>((resolve, reject) => {
        socket.on('data', (chunk: Buffer) => {
          said += chunk.toString('latin1');
          if (/^OK /m.test(said)) resolve();
        });
        socket.on('error', reject);
      });
      socket.destroy();
      assert.match(said, /^"STARTTLS"/m);
      assert.match(said, /^"SIEVE" ".*\bfileinto\b.*\bvacation\b/m);
      assert.doesNotMatch(said, /vnd\.dovecot\.(pipe|execute|filter)/);
    });
  });
}
