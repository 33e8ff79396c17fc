/** M10 and the operator's own rules: whose Sieve script decides what becomes of a message, in which order, and within which limits. */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { fetched, outside, type Server, signatures, until } from '../index.ts';
import { answered, configure, exits, type Plan } from '../operator.ts';
import { ok } from '../people.ts';
import { onEachRelease } from '../scenario.ts';

const [BEFORE, AFTER] = ['/etc/hauspost/before.sieve', '/etc/hauspost/after.sieve'];
const FILTERS = `[filters]\nbefore = "${BEFORE}"\nafter = "${AFTER}"\n`;
const CLUB = 'require ["fileinto", "mailbox"];\nif header :is "X-Club" "yes" { fileinto :create "Club"; stop; }\n';
const LISTS = 'require ["fileinto", "mailbox"];\nif exists "List-Id" { fileinto :create "Lists"; }\n';
const MINE =
  'require ["fileinto", "mailbox"];\nif header :contains "Subject" "mine" { fileinto :create "Mine"; }\nif header :contains "Subject" "keep" { keep; }\n';

let sent = 0;
/** From a stranger, with further headers; its id. */
const send = async (server: Server, subject: string, headers: readonly string[] = [], to = [server.demo.user]): Promise<string> => {
  const id = `<filter-${++sent}@outside.test>`;
  const lines = ['From: <friend@outside.test>', 'To: <demo@hauspost.test>', `Message-ID: ${id}`, dated(), `Subject: ${subject} ${sent}`];
  const smtp = await server.stranger();
  for (const line of ['MAIL FROM:<friend@outside.test>', ...to.map((address) => `RCPT TO:<${address}>`)])
    assert.equal((await smtp.command(line)).code, 250);
  const { code, lines: words } = await smtp.data([...lines, ...headers, '', `This is number ${sent}, about ${subject}.`, ''].join('\r\n'));
  assert.equal(code, 250, words.join(' '));
  smtp.close();
  return id;
};

const lies = async (server: Server, id: string, folder: string): Promise<void> => {
  const imap = await server.imap(server.demo);
  await until(`${folder} is there`, async () => ((await imap.list()).some(({ path }) => path === folder) ? true : undefined), 30_000, 200);
  await fetched(imap, folder, id);
  await imap.logout();
};

const activate = async (server: Server, script: string): Promise<void> => {
  const sieve = await server.sieve();
  assert.equal((await sieve.login(server.demo)).status, 'OK');
  assert.equal((await sieve.put('mine', script)).status, 'OK');
  assert.equal((await sieve.command('SETACTIVE "mine"')).status, 'OK');
  sieve.close();
};

const write = async ({ machine }: Server, file: string, text: string | Uint8Array): Promise<void> =>
  void ok(await machine.run(['sh', '-c', 'cat >"$1"', 'sh', file], { input: text }));

/** A message that the filter has marked, handed to Dovecot as Postfix does (LMTP, RFC 2033); its id. */
const marked = async ({ machine }: Server): Promise<string> => {
  const id = `<filter-${++sent}@outside.test>`;
  const talk = `use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => '/run/dovecot/lmtp') or die; $s->autoflush(1); local $/ = undef;
    my $message = <STDIN>; $/ = "\\n"; sub reply { local $_; while (<$s>) { die $_ unless /^[23]/; return if /^... / } }
    reply(); for ('LHLO localhost', 'MAIL FROM:<friend@outside.test>', 'RCPT TO:<demo@hauspost.test>', 'DATA') { print $s "$_\\r\\n"; reply() }
    print $s "$message\\r\\n.\\r\\n"; reply();`;
  const input = `X-Spam: Yes\r\nFrom: <friend@outside.test>\r\nMessage-ID: ${id}\r\nX-Club: yes\r\nSubject: marked\r\n\r\nBuy.\r\n`;
  ok(await machine.run(['perl', '-e', talk], { input }));
  return id;
};

const order = (get: () => Server): void => {
  test('the operator names two scripts; plan shows them before they count', async () => {
    const server = get();
    await write(server, BEFORE, CLUB);
    await write(server, AFTER, LISTS);
    await configure(server, FILTERS);
    const plan = await server.hauspost(['plan']);
    assert.equal(plan.code, 2, plan.stderr);
    assert.match(plan.stdout, /^create \/etc\/dovecot\/sieve\/operator-before\.sieve$/m);
    assert.ok(plan.stdout.includes('+if header :is "X-Club" "yes" { fileinto :create "Club"; stop; }'));
    await server.order('apply', '--yes');
    await exits(server, 0, 'plan');
  });

  test("without a script of one's own: the first, else the second, else INBOX", async () => {
    const server = get();
    await lies(server, await send(server, 'club', ['X-Club: yes']), 'Club');
    await lies(server, await send(server, 'list', ['List-Id: <l.outside.test>']), 'Lists');
    await lies(server, await send(server, 'both', ['X-Club: yes', 'List-Id: <l.outside.test>']), 'Club');
    await lies(server, await send(server, 'plain', ['X-Club: no']), 'INBOX');
  });

  test("M10: one's own script stands between them", async () => {
    const server = get();
    await activate(server, MINE);
    await lies(server, await send(server, 'mine and club', ['X-Club: yes']), 'Club');
    await lies(server, await send(server, 'mine'), 'Mine');
    await lies(server, await send(server, 'keep'), 'INBOX');
    await lies(server, await send(server, 'list', ['List-Id: <l.outside.test>']), 'Lists');
  });

  test("M8: what is marked is in Spam, whatever the operator's script wants", async () => {
    const server = get();
    await write(server, BEFORE, 'require ["fileinto", "mailbox"];\nfileinto :create "Everything";\n');
    await server.order('apply', '--yes');
    await lies(server, await send(server, 'plain'), 'Everything');
    await lies(server, await marked(server), 'Spam');
    await write(server, BEFORE, CLUB);
    await server.order('apply', '--yes');
    await lies(server, await send(server, 'plain again'), 'INBOX');
  });

  test('M10: a script may send a message on to four others, no more; then it is kept', async () => {
    const server = get();
    await using far = await outside(server.machine);
    const redirects = (count: number): string => Array.from({ length: count }, (_, index) => `redirect "r${index}@outside.test";\n`).join('');
    await activate(server, redirects(4));
    await send(server, 'four ways');
    for (const to of ['r0', 'r1', 'r2', 'r3'])
      await until(
        `${to} has it`,
        () => far.received.find((one) => one.to.includes(`${to}@outside.test`) && one.source.includes('four ways')),
        30_000,
        100,
      );
    await activate(server, redirects(5));
    await lies(server, await send(server, 'five ways'), 'INBOX');
    assert.ok(far.received.filter(({ source }) => source.includes('five ways')).length <= 4);
    await activate(server, MINE);
  });
};

/** Signed by outside.test, and what verifies that. */
const signed = async (text: string): Promise<readonly [text: string, record: string]> => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const one = { signingDomain: 'outside.test', selector: 'lab', privateKey: pem, algorithm: 'rsa-sha256', canonicalization: 'relaxed/relaxed' };
  const made = await dkimSign(text, { ...one, headerList: 'From:To:Subject:Date:Message-ID', signatureData: [one] });
  return [made.signatures + text, `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`];
};

const passedOn = (get: () => Server): void => {
  test("M14: what Sieve redirects goes on as it was signed, with a bare name in To and without Date; a login's mail gets a Message-ID", async () => {
    const server = get();
    await using far = await outside(server.machine);
    await activate(server, 'redirect "friend@outside.test";\n');
    const { demo } = server;
    const head = ['Subject: to all customers', 'MIME-Version: 1.0', 'Content-Type: text/plain'];
    // Without Message-ID it would get one by Pigeonhole, which knows by it what it has redirected.
    const strangers = ['From: <ada@outside.test>', 'To: Kundenliste', 'Message-ID: <customers@outside.test>', ...head].join('\r\n');
    const [text, record] = await signed(`${strangers}\r\n\r\nHello customers.\r\n`);
    for (const [smtp, from, to, data] of [
      [await server.stranger(), 'ada@outside.test', demo.user, text],
      [await server.client(587, demo), demo.user, 'friend@outside.test', [`From: <${demo.user}>`, ...head, '', 'Hello friend.', ''].join('\r\n')],
    ] as const) {
      for (const line of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`]) assert.equal((await smtp.command(line)).code, 250, line);
      assert.equal((await smtp.data(data)).code, 250);
      smtp.close();
    }
    const { source } = await far.message('Hello customers.');
    assert.ok(source.includes(`\r\n${strangers}\r\n\r\n`), source);
    assert.doesNotMatch(source, /^Date:/im);
    assert.deepEqual(await signatures(source, () => Promise.resolve([[record]])), ['outside.test pass rsa-sha256 2048']);
    assert.match((await far.message('Hello friend.')).source, /^Message-ID: <.*@mail\.hauspost\.test>\r$/im);
    await activate(server, MINE);
  });
};

/** A regex that goes back: ends at once where there is a b, and where there is none after years. */
const YEARS = 'require ["regex", "fileinto", "mailbox"];\nif header :regex "Subject" "(.*)(.*)\\\\1\\\\2b" { fileinto :create "Quick"; }\n';

const endless = (get: () => Server): void => {
  test('M10: a test that does not end costs its own account a try, and nobody else anything; mended, the message arrives, and nobody has two', async () => {
    const server = get();
    const other = { user: 'neighbour@hauspost.test', pass: 'password-of-neighbour' };
    await server.account(other);
    const imap = await server.imap(other);
    await activate(server, YEARS);
    await lies(server, await send(server, 'about a'), 'Quick');
    const both = await send(server, 'a'.repeat(400), [], [server.demo.user, other.user]);
    const begun = performance.now();
    await fetched(imap, 'INBOX', both);
    const next = await send(server, 'next', [], [other.user]);
    await fetched(imap, 'INBOX', next);
    const took = Math.round((performance.now() - begun) / 1000);
    const deferred = async (): Promise<string | undefined> =>
      ok(await server.machine.run(['postqueue', '-j'])).stdout.includes('"queue_name": "deferred"') ? 'deferred' : undefined;
    await until('the delivery is given up', deferred, 400_000, 500);
    const waiting = ok(await server.machine.run(['postqueue', '-j'])).stdout;
    assert.match(waiting, /"address": "demo@hauspost\.test", "delay_reason": "lost connection with /);
    assert.ok(!waiting.includes(other.user), waiting);
    process.stdout.write(`    others had their mail after ${took} s\n`);
    assert.match(await server.machine.journalSoFar(), /service\(lmtp\): child \d+ killed with signal 9/);
    await activate(server, MINE);
    ok(await server.machine.run(['postqueue', '-f']));
    await lies(server, both, 'INBOX');
    const inbox = await imap.status('INBOX', { messages: true });
    assert.equal(inbox !== false && inbox.messages, 2);
    await imap.logout();
  });
};

const updates = (get: () => Server): void => {
  test('scripts are compiled anew where an update brought another Pigeonhole, whose format may be another; plan says so', async () => {
    const server = get();
    const compiled = ['operator-after', 'operator-before', 'spam'].map((name) => `/etc/dovecot/sieve/${name}.svbin`);
    const readable = async (): Promise<readonly boolean[]> =>
      Promise.all(compiled.map(async (file) => (await server.machine.run(['sieve-dump', file])).code === 0));
    assert.deepEqual(await readable(), [true, true, true]);
    // What another version cannot read; and dpkg's word for an update, as it leaves it.
    ok(await server.machine.run(['sh', '-c', 'for file; do echo old >"$file"; done', 'sh', ...compiled]));
    assert.deepEqual(await readable(), [false, false, false]);
    assert.match((await exits(server, 2, 'plan')).stdout, /^change \/etc\/dovecot\/sieve\/spam\.svbin {2}\[changed by somebody else/m);
    ok(await server.machine.run(['sed', '-i', '/^Package: dovecot-sieve$/,/^$/s/^Version: 1:[0-9.]*/&.99/', '/var/lib/dpkg/status']));
    const { code, document } = await answered<Plan>(server, 'plan');
    const asked = document.changes.map(({ kind, action, target }) => [kind, action, target]);
    assert.equal(code, 2);
    for (const file of compiled)
      assert.ok(
        asked.some((one) => one.join() === `derived,change,${file}`),
        JSON.stringify(asked),
      );
    assert.ok(
      asked.every(([kind, action]) => kind === 'derived' && action === 'change'),
      JSON.stringify(asked),
    );
    await server.order('apply', '--yes');
    assert.deepEqual(await readable(), [true, true, true]);
    await exits(server, 0, 'plan');
    await lies(server, await marked(server), 'Spam');
  });
};

const mistakes = (get: () => Server): void => {
  const REFUSED: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['an unknown command', 'require "fileinto";\nfileintoo "X";\n', /before\.sieve: line 2: error: unknown command 'fileintoo'/],
    ['a program', 'require "vnd.dovecot.execute";\nexecute "true";\n', /before\.sieve: line 1: error: .*vnd\.dovecot\.execute/],
    ['a line that does not end', 'keep', /before\.sieve: line 1: error: /],
    ['not UTF-8', Buffer.from([0x23, 0xff, 0x0a]), /before\.sieve, which filters\.before names, is not UTF-8/],
    ['a NUL', 'keep;\n#\0\n', /before\.sieve, which filters\.before names, holds a NUL/],
    ['too much', `#${'x'.repeat(1024 * 1024)}\n`, /before\.sieve, which filters\.before names, has 1048578 octets/],
  ];
  for (const [what, text, words] of REFUSED) {
    test(`refused, and the old one stays: ${what}`, async () => {
      const server = get();
      await write(server, BEFORE, text);
      const { stderr } = await exits(server, 3, 'apply', '--yes');
      assert.match(stderr, words);
      assert.doesNotMatch(stderr, /defect of Hauspost/);
      await lies(server, await send(server, 'club', ['X-Club: yes']), 'Club');
    });
  }

  test('a file that is not there is named, and so is a folder', async () => {
    const server = get();
    ok(await server.machine.run(['rm', BEFORE]));
    assert.match((await exits(server, 3, 'plan')).stderr, /before\.sieve, which filters\.before names, does not exist/);
    ok(await server.machine.run(['mkdir', BEFORE]));
    assert.match((await exits(server, 3, 'plan')).stderr, /before\.sieve, which filters\.before names, is no file/);
    ok(await server.machine.run(['rmdir', BEFORE]));
  });

  test("without the option the rules are gone, and the operator's files stay", async () => {
    const server = get();
    await configure(server, '');
    await server.order('apply', '--yes');
    await lies(server, await send(server, 'club', ['X-Club: yes']), 'INBOX');
    ok(await server.machine.run(['test', '-f', AFTER]));
    assert.equal((await server.machine.run(['sh', '-c', 'ls /etc/dovecot/sieve | grep operator'])).stdout, '');
  });
};

onEachRelease(order, passedOn, endless, updates, mistakes);
