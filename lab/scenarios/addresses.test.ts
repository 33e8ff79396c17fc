/** M1, M23: IPv6 alone, IPv4 alone, one address of several, and behind a router that has the public address (NAT). Profile public, in a network with a stranger. */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type Addresses,
  allRun,
  boot,
  type Host,
  listening,
  type Machine,
  type NameRecord,
  nameServer,
  network,
  type Output,
  outside,
  PUBLIC,
  readyOn,
  type Received,
  servedPublic,
  Smtp,
  until,
} from '../index.ts';
import { inNetwork } from '../namespace.ts';
import { ok } from '../people.ts';

const NAMES: Addresses = { v4: '198.18.0.53', v6: '2001:2::53' };
const STRANGER: Addresses = { v4: '198.18.0.66', v6: '2001:2::66' };
const ROUTER = '198.18.0.99';
const ROUTER_V6 = '2001:2::99';
/** Of the machine as well, but never by itself the one that a connection comes from. */
const SECOND: Addresses = { v4: '198.18.0.11', v6: '2001:2::11' };
const FROM = 'friend@elsewhere.example';
const TO = `postmaster@${PUBLIC.domain}`;
const PORTS = [25, 465, 587, 143, 993, 4190, 80, 443];

const RECORDS: readonly NameRecord[] = [
  { name: 'elsewhere.example', type: 'MX', data: '10 mail.elsewhere.example' },
  { name: 'mail.elsewhere.example', type: 'A', data: STRANGER.v4 },
  { name: 'mail.elsewhere.example', type: 'AAAA', data: STRANGER.v6 },
  { name: '66.0.18.198.in-addr.arpa', type: 'PTR', data: 'mail.elsewhere.example' },
  { name: `6.6.${'0.'.repeat(22)}2.0.0.0.1.0.0.2.ip6.arpa`, type: 'PTR', data: 'mail.elsewhere.example' },
  { name: '5.0.0.10.in-addr.arpa', type: 'PTR', data: 'office.elsewhere.example' },
  // Each has first a server that only one family leads to, and then one of the other.
  { name: 'mx4.elsewhere.example', type: 'A', data: STRANGER.v4 },
  { name: 'mx6.elsewhere.example', type: 'AAAA', data: STRANGER.v6 },
  { name: 'four-first.example', type: 'MX', data: '10 mx4.elsewhere.example' },
  { name: 'four-first.example', type: 'MX', data: '20 mx6.elsewhere.example' },
  { name: 'six-first.example', type: 'MX', data: '10 mx6.elsewhere.example' },
  { name: 'six-first.example', type: 'MX', data: '20 mx4.elsewhere.example' },
  { name: 'behind.example', type: 'MX', data: '10 mx.behind.example' },
  { name: 'mx.behind.example', type: 'A', data: ROUTER },
];

const shell = async (machine: Machine, script: string, input = ''): Promise<string> =>
  ok(await machine.run(['sh', '-c', script], { input, ms: 240_000 })).stdout;

let sent = 0;

for (const release of ['bookworm', 'trixie'] as const) {
  describe(release, () => {
    const stack = new AsyncDisposableStack();
    let machine: Machine;
    let stranger: Host;
    before(async () => {
      machine = stack.use(await boot({ image: await servedPublic({ release, init: 'systemd' }) }));
      const lan = stack.use(await network());
      await lan.join(machine, PUBLIC.addresses);
      await allRun(machine);
      const names = await lan.host('ns.elsewhere.example', NAMES);
      for (const address of [NAMES.v4, NAMES.v6]) stack.use(await nameServer(names, address, RECORDS));
      stranger = await lan.host('mail.elsewhere.example', STRANGER);
      await configure('');
    });
    after(() => stack.disposeAsync());

    /** The whole file; `more` are lines of `[network]`. */
    const want = async (more: string, forwarder = NAMES.v4): Promise<void> => {
      const file = `[server]\nprofile = "public"\nhostname = "${PUBLIC.hostname}"\npostmaster = "${TO}"\n[resolver]\nforwarders = ["${forwarder}"]\n[incoming]\nallow = ["${STRANGER.v4}", "${STRANGER.v6}"]\n[network]\n${more}`;
      await shell(machine, 'cat >/etc/hauspost/hauspost.toml', file);
    };
    const configure = async (more: string, forwarder?: string): Promise<void> => {
      await want(more, forwarder);
      ok(await readyOn(machine).run(['apply', '--yes']));
    };
    const arrives = async (host: string): Promise<void> => {
      const id = `<address-${++sent}@elsewhere.example>`;
      const { smtp, greeting } = await Smtp.open(await stranger.dial({ host, port: 25 }));
      assert.equal(greeting.code, 220);
      for (const line of ['EHLO mail.elsewhere.example', `MAIL FROM:<${FROM}>`, `RCPT TO:<${TO}>`])
        assert.equal((await smtp.command(line)).code, 250, line);
      const lines = [`From: <${FROM}>`, `To: <${TO}>`, `Message-ID: ${id}`, dated(), 'Subject: hello'];
      const { code, lines: words } = await smtp.data([...lines, '', `By ${host}, number ${sent}.`, ''].join('\r\n'));
      assert.equal(code, 250, words.join(' '));
      smtp.close();
      const found = `grep -rlF '${id}' /var/vmail/mailboxes/${PUBLIC.domain}/postmaster/mail/new || true`;
      await until('it is delivered', async () => ((await shell(machine, found)) === '' ? undefined : true), 30_000, 200);
    };
    /** What the world can reach. */
    const open = async (): Promise<readonly string[]> =>
      listening(machine)
        .filter((line) => !/127\.0\.0\.1|\[::1\]/.test(line))
        .map((line) => line.split(' ')[1] ?? '');
    const passes = async (): Promise<void> => void ok(await readyOn(machine).run(['selftest']));

    test('the name under which programs write mail is that of the server', async () => {
      assert.equal(await shell(machine, 'cat /etc/mailname'), `${PUBLIC.hostname}\n`);
    });

    test('what a forwarder knows of private addresses counts', async () => {
      assert.equal(await shell(machine, 'dig @127.0.0.1 +short -x 10.0.0.5'), 'office.elsewhere.example.\n');
      assert.equal(await shell(machine, 'dig @127.0.0.1 +short -x 10.0.0.6'), '');
    });

    /** Mail to others, which finds its way by the resolver; from where it came there. */
    const leaves = async (to = FROM): Promise<string> => {
      await using four = await outside(stranger, STRANGER.v4);
      await using six = await outside(stranger, STRANGER.v6);
      const mark = `Number ${++sent}, to ${to}.`;
      await shell(machine, `/usr/sbin/sendmail -f ${TO} ${to}`, `From: ${TO}\nSubject: hello\n\n${mark}\n`);
      const here = (): Received | undefined => [...four.received, ...six.received].find(({ source }) => source.includes(mark));
      const got = await until('it is there', here, 30_000, 50);
      assert.deepEqual(got.to, [to]);
      return got.client;
    };
    const reader = (domain: string): string => `reader-${++sent}@${domain}`;
    const ip = (...words: readonly string[]): Promise<Output> => inNetwork(machine.holder.netns, ['ip', ...words]);

    test('IPv6 alone: without an address, a route or a resolver of IPv4 it listens, mail comes and goes, the self-test passes', async () => {
      await ip('-4', 'address', 'flush', 'dev', 'host0');
      assert.equal((await ip('-4', 'route', 'show')).stdout, '');
      await configure('bind = ["::"]\n', NAMES.v6);
      assert.deepEqual((await open()).toSorted(), PORTS.map((port) => `[::]:${port}`).toSorted());
      await passes();
      await configure(`bind = ["${PUBLIC.addresses.v6}"]\n`, NAMES.v6);
      assert.deepEqual((await open()).toSorted(), PORTS.map((port) => `[2001:2:0:0:0:0:0:10]:${port}`).toSorted());
      await arrives(PUBLIC.addresses.v6);
      assert.equal(await leaves(), PUBLIC.addresses.v6);
      await passes();
      await ip('address', 'add', `${PUBLIC.addresses.v4}/16`, 'dev', 'host0');
      await ip('route', 'replace', 'default', 'dev', 'host0');
      assert.equal(await leaves(reader('four-first.example')), PUBLIC.addresses.v6);
      await assert.rejects(stranger.dial({ host: PUBLIC.addresses.v4, port: 25 }));
    });

    test('IPv4 alone, on one address', async () => {
      await configure(`bind = ["${PUBLIC.addresses.v4}"]\n`);
      assert.deepEqual((await open()).toSorted(), PORTS.map((port) => `${PUBLIC.addresses.v4}:${port}`).toSorted());
      await arrives(PUBLIC.addresses.v4);
      await assert.rejects(stranger.dial({ host: PUBLIC.addresses.v6, port: 25 }));
      assert.equal(await leaves(reader('six-first.example')), PUBLIC.addresses.v4);
      await passes();
    });

    test('one address of several: mail comes to it and leaves by it, and SPF names no other; bound to all of them it leaves by any', async () => {
      await ip('address', 'add', `${SECOND.v4}/16`, 'dev', 'host0');
      await ip('address', 'add', `${SECOND.v6}/64`, 'dev', 'host0', 'nodad', 'preferred_lft', '0');
      const ways = async (): Promise<readonly string[]> => [await leaves(reader('four-first.example')), await leaves(reader('six-first.example'))];
      await configure(`bind = ["${SECOND.v4}", "${SECOND.v6}"]\n`);
      await arrives(SECOND.v4);
      await passes();
      assert.deepEqual(await ways(), [SECOND.v4, SECOND.v6]);
      const { stdout } = ok(await readyOn(machine).run(['dns', 'records', PUBLIC.domain, '--plain']));
      assert.match(stdout, new RegExp(`\tv=spf1 a:${PUBLIC.hostname.replaceAll('.', '\\.')} ~all$`, 'm'));
      await configure('');
      assert.deepEqual(await ways(), [PUBLIC.addresses.v4, PUBLIC.addresses.v6]);
      for (const address of [`${SECOND.v4}/16`, `${SECOND.v6}/64`]) await ip('address', 'del', address, 'dev', 'host0');
    });

    test('what is in place cannot run any more, since the machine lost its address, and the next change is not well either: the one after leads out', async () => {
      await ip('address', 'add', `${SECOND.v4}/16`, 'dev', 'host0');
      await configure(`bind = ["${SECOND.v4}"]\n`);
      await ip('address', 'del', `${SECOND.v4}/16`, 'dev', 'host0');
      const other = await machine.listen({ host: PUBLIC.addresses.v4, port: 4190 });
      await want(`bind = ["${PUBLIC.addresses.v4}"]\n`);
      const failed = await readyOn(machine).run(['apply', '--yes']);
      other.close();
      assert.equal(failed.code, 1, failed.stderr);
      assert.match(
        failed.stderr,
        /dovecot does not run well.*\n(?:.*\n)*Putting the earlier configuration back failed as well: dovecot does not run well/,
      );
      const { code, stderr } = await readyOn(machine).run(['apply', '--yes']);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /was interrupted; it is undone first(?:.*\n)*warning: dovecot does not run well/);
      assert.deepEqual((await open()).toSorted(), PORTS.map((port) => `${PUBLIC.addresses.v4}:${port}`).toSorted());
      // Told twice within seconds to read its files, Rspamd puts off what comes while it does so the second time (docs/rspamd.md).
      await until('all is well', async () => (await readyOn(machine).run(['selftest'])).code === 0 || undefined, 60_000, 500);
      await arrives(PUBLIC.addresses.v4);
    });

    test('NAT: the address of the router is this host as well, so mail that an MX record sends there is no loop', async () => {
      const fate = async (to: string): Promise<string> => {
        await shell(machine, `/usr/sbin/sendmail -f ${TO} ${to}`, `From: ${TO}\nSubject: loop\n\nNumber ${++sent}.\n`);
        const line = new RegExp(`to=<${to.replaceAll('.', '\\.')}>.* status=(.*)`);
        return until(`${to} has a fate`, async () => line.exec(await machine.journal())?.[1], 90_000, 200);
      };
      assert.match(
        await fate('first@behind.example'),
        /^deferred \(connect to mx\.behind\.example\[198\.18\.0\.99\]:25: (?:No route to host|Connection timed out)\)/,
      );
      await configure(`public_addresses = ["${ROUTER}"]\n`);
      assert.match(await fate('second@behind.example'), /^bounced \(mail for behind\.example loops back to myself\)/);
      await arrives(PUBLIC.addresses.v4);
    });

    test('a machine without IPv6, behind a router that has it: all of it on IPv4', async () => {
      // /proc/sys is read-only within.
      ok(
        await inNetwork(machine.holder.netns, [
          'sysctl',
          '-q',
          '-w',
          ...['all', 'default', 'lo'].map((name) => `net.ipv6.conf.${name}.disable_ipv6=1`),
        ]),
      );
      await configure(`public_addresses = ["${ROUTER}", "${ROUTER_V6}"]\n`);
      assert.deepEqual(
        listening(machine).filter((line) => line.includes('[')),
        [],
      );
      assert.deepEqual((await open()).toSorted(), PORTS.map((port) => `0.0.0.0:${port}`).toSorted());
      await arrives(PUBLIC.addresses.v4);
      assert.equal(await leaves(), PUBLIC.addresses.v4);
      await passes();
    });
  });
}
