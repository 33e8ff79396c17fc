/** M15, M29: all mail to others by way of a relay host: with a login only to whoever shows its name, and the password nowhere else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dated } from '../dated.ts';
import { bothAre, fromKeys, type Output, type Server, signatures, until } from '../index.ts';
import { answered, configure, exits, type Plan } from '../operator.ts';
import { ok } from '../people.ts';
import { type Pair, type Relayed, type RelayHost, relayHost, selfSigned } from '../relay.ts';
import { onEachRelease } from '../scenario.ts';

const HOST = 'mail.outside.test';
const AT = '127.0.0.9';
const USER = 'customer@outside.test';
const PASSWORD = 'k3y: with "quotes", #signs $and \\more';
/** No queue id of Postfix holds it by chance. */
const BEGINS = PASSWORD.slice(0, 9);
const FILE = '/etc/hauspost/relay-password';
const LOGIN = `relay_user = "${USER}"\nrelay_password_file = "${FILE}"\n`;

const relays = (get: () => Server): void => {
  let sent = 0;
  let pair: Pair;
  const seen: string[] = [];
  const noted = ({ stdout, stderr, ...rest }: Output): Output => {
    seen.push(stdout, stderr);
    return { stdout, stderr, ...rest };
  };
  const applied = async (server: Server, more: string): Promise<void> => {
    await configure(server, `[outgoing]\nrelay_host = "${HOST}"\n${more}`);
    noted(await exits(server, 0, 'apply', '--yes'));
  };
  const write = async (server: Server, password: string, mode = '600'): Promise<void> =>
    void ok(await server.machine.run(['sh', '-c', 'umask 077; cat >"$1"; chmod "$2" "$1"', 'sh', FILE, mode], { input: `${password}\n` }));
  /** To somebody elsewhere, with `more` in its header; answers with the mark in it and with what Postfix logs of its fate. */
  const send = async ({ machine, demo }: Server, more = ''): Promise<{ readonly mark: string; readonly fate: () => Promise<string> }> => {
    const name = `relayed-${++sent}`;
    const input = `From: ${demo.user}\nSubject: ${name}\n${more}\nHello, number ${sent}.\n`;
    ok(await machine.run(['sendmail', '-f', demo.user, `${name}@outside.test`], { input }));
    const line = new RegExp(`to=<${name}@outside\\.test>.* status=(.*)`);
    const fate = (): Promise<string> => until(`${name} has a fate`, async () => line.exec(await machine.journalSoFar())?.[1], 30_000, 200);
    return { mark: `Subject: ${name}`, fate };
  };
  const peer = (server: Server, shown = pair): Promise<RelayHost> => relayHost(server.machine, AT, shown, [USER, PASSWORD]);
  /** All that waits is tried, until the message with `mark` is there: a queue manager that is about to end for a reload takes the word to itself, and does nothing. */
  const flushed = ({ machine }: Server, relay: RelayHost, mark: string): Promise<Relayed> =>
    until(
      `a message with ${mark} is relayed`,
      async () => {
        ok(await machine.run(['postqueue', '-f']));
        return relay.received.find(({ source }) => source.includes(mark));
      },
      60_000,
      500,
    );
  const openPeer = (server: Server): Promise<RelayHost> => relayHost(server.machine, AT, pair, 'none');

  test('a password file that is missing, open to others or empty is refused, and nothing changes', async () => {
    const server = get();
    pair = await selfSigned(server.machine, HOST);
    const trust = 'cat >>/etc/ssl/certs/ca-certificates.crt';
    ok(await server.machine.run(['sh', '-c', trust], { input: pair.cert }));
    await configure(server, `[outgoing]\nrelay_host = "${HOST}"\n${LOGIN}`);
    const refused = async (why: string): Promise<void> => {
      for (const command of [['plan'], ['apply', '--yes']])
        assert.ok(
          (await exits(server, 3, ...command)).stderr.startsWith(`hauspost: ${FILE}, which outgoing.relay_password_file names, ${why}\n  `),
          why,
        );
    };
    await refused('does not exist');
    await exits(server, 0, 'status');
    await write(server, PASSWORD, '644');
    await refused('can be read by others');
    await write(server, '');
    await refused('holds no password on its first line');
    await write(server, PASSWORD);
    const { document } = await answered<Plan>(server, 'plan');
    assert.ok(document.changes.some(({ kind, target, action }) => kind === 'secret' && target === FILE && action === 'create'));
    const plan = noted(await exits(server, 2, 'plan'));
    assert.match(plan.stdout, /^create secret from \/etc\/hauspost\/relay-password$/m);
    assert.match(plan.stdout, /^ {4}\+\[mail\.outside\.test\]:587 customer@outside\.test:<secret:relay\.password>$/m);
  });

  test('M15: a password that the relay does not take defers, and the right one in the file counts at the next apply', async () => {
    const server = get();
    await write(server, 'last year');
    await applied(server, LOGIN);
    await using relay = await peer(server);
    const { mark, fate } = await send(server);
    assert.match(await fate(), /^deferred \(SASL authentication failed; server mail\.outside\.test/);
    assert.deepEqual(relay.attempts.at(-1), [USER, 'last year']);
    await write(server, PASSWORD);
    assert.match(noted(await exits(server, 2, 'plan')).stdout, /^change secret from \/etc\/hauspost\/relay-password$/m);
    noted(await exits(server, 0, 'apply', '--yes'));
    assert.equal((await flushed(server, relay, mark)).user, USER);
  });

  test('M15: with STARTTLS on 587 the login is that of the file, and the MX of the recipient is not asked', async () => {
    const server = get();
    await using relay = await peer(server);
    const { mark } = await send(server);
    const { port, user, secure, source } = await relay.message(mark);
    assert.deepEqual([port, user, secure], [587, USER, true]);
    assert.ok(!source.includes(BEGINS));
    assert.equal((await server.machine.run(['stat', '-c', '%U:%G %a', '/etc/postfix/relay-password'])).stdout, 'root:root 600\n');
  });

  test('M14, M15: what people send leaves by the relay with one signature, since some take no message with two', async () => {
    const server = get();
    await using relay = await peer(server);
    const smtp = await server.client(465, server.demo);
    for (const line of [`MAIL FROM:<${server.demo.user}>`, 'RCPT TO:<friend@outside.test>']) assert.equal((await smtp.command(line)).code, 250, line);
    const text = [
      `From: <${server.demo.user}>`,
      'To: <friend@outside.test>',
      dated(),
      'Message-ID: <by-relay@hauspost.test>',
      'Subject: by-relay',
      '',
      'Hello.',
    ];
    assert.equal((await smtp.data(`${text.join('\r\n')}\r\n`)).code, 250);
    smtp.close();
    const signed = (await relay.message('Subject: by-relay')).source;
    assert.deepEqual(signed.match(/^DKIM-Signature:/gim)?.length, 1);
    assert.deepEqual(await signatures(signed, fromKeys(server.machine)), bothAre('hauspost.test').slice(0, 1));
  });

  // RFC 8689: with the second the sender asks to have it sent whoever the other side is.
  for (const [what, more] of [
    ['', ''],
    [', also of mail that says that TLS is no must', 'TLS-Required: no\n'],
  ] as const)
    test(`M15: whoever shows another name gets neither the mail nor the password${what}; it goes when the right one is there`, async () => {
      const server = get();
      const refused = async (): Promise<string> => {
        await using impostor = await peer(server, await selfSigned(server.machine, 'mail.impostor.test'));
        const { mark, fate } = await send(server, more);
        assert.match(await fate(), /^deferred \(Server certificate not (trusted|verified)\)$/);
        assert.deepEqual([impostor.attempts, impostor.received], [[], []]);
        return mark;
      };
      const mark = await refused();
      await using relay = await peer(server);
      const { user, source } = await flushed(server, relay, mark);
      assert.equal(user, USER);
      assert.ok(source.includes(more.trimEnd()));
    });

  test('M29: the password is for a verified server alone, whatever the policy', async () => {
    const server = get();
    const refused = async (): Promise<void> => {
      await using impostor = await peer(server, await selfSigned(server.machine, 'mail.impostor.test'));
      const { fate } = await send(server);
      assert.match(await fate(), /^deferred \(SASL authentication failed; .*no mechanism available/);
      assert.deepEqual([impostor.attempts, impostor.received], [[], []]);
    };
    for (const level of ['encrypt', 'none']) {
      ok(await server.machine.run(['postconf', '-e', `smtp_tls_policy_maps=inline:{{[${HOST}]:587 = ${level}}}`]));
      ok(await server.machine.run(['postfix', 'reload']));
      await refused();
    }
    noted(await exits(server, 0, 'apply', '--yes'));
    await using relay = await peer(server);
    const { mark } = await send(server);
    assert.equal((await flushed(server, relay, mark)).user, USER);
  });

  test('M15: TLS from the start on 465', async () => {
    const server = get();
    await applied(server, `relay_port = 465\n${LOGIN}`);
    await using relay = await peer(server);
    const { port, user, secure } = await relay.message((await send(server)).mark);
    assert.deepEqual([port, user, secure], [465, USER, true]);
  });

  for (const port of [25, 465] as const)
    test(`M15: a relay that knows us by our address gets no password, on ${port}`, async () => {
      const server = get();
      await applied(server, `relay_port = ${port}\n`);
      await using relay = await openPeer(server);
      const got = await relay.message((await send(server)).mark);
      assert.deepEqual([got.port, got.user, got.secure, relay.attempts], [port, undefined, true, []]);
      assert.equal((await server.machine.run(['test', '-e', '/etc/postfix/relay-password'])).code, 1);
    });

  test('M29: the password was in no answer and is in no log', async () => {
    const server = get();
    const journal = await server.machine.journal();
    for (const text of [...seen, journal]) assert.ok(!text.includes(BEGINS));
    assert.ok(seen.length > 10 && journal.includes('relayed-1'));
  });
};

onEachRelease(relays);
