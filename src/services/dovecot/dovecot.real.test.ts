/** The real Dovecot of both releases with what we render: what the contract says of it (M1 to M23). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labAvailable, type Room, until } from '#lab';
import type { CheckRoom } from '#model';
import { inClear, overTls } from './conversation.lab.ts';
import { dovecot } from './index.ts';
import {
  accepted,
  address,
  ca,
  certificate,
  deliver,
  imap,
  login,
  must,
  plain,
  policy,
  REFUSED,
  sasl,
  type Scene,
  sieve,
  staged,
  subjects,
  vantage,
} from './scene.lab.ts';

type Case = (scene: Scene) => Promise<void>;

const everyDoorAnswers: Case = async ({ room, input }) => {
  for (const probe of dovecot.probes(input)) {
    await until(probe.name, async () => (await probe.run(vantage(room))).length === 0 || undefined, probe.within);
  }
};

const theListenersAreOurs: Case = async ({ room }) => {
  const listening = (await must(room, 'ss', '-Hltun'))
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/)[4] ?? '');
  const wanted = ['127.0.0.1:143', '127.0.0.1:4190', '127.0.0.1:993', '[::1]:143', '[::1]:4190', '[::1]:993'];
  assert.deepEqual(listening.sort(), wanted);
};

/** Dovecot opens some for every user of the machine by itself: those who may not ask hear nothing about accounts. */
const socketsAreClosed: Case = async ({ room }) => {
  const writable = async (user: string): Promise<readonly string[]> => {
    const { stdout } = await room.run(['find', '/run/dovecot/', '-type', 's', '-writable'], { user });
    return stdout.split('\n').filter((line) => line !== '');
  };
  for (const user of ['nobody', 'www-data', '_rspamd']) assert.deepEqual(await writable(user), [], user);
  const ours = await writable('vmail');
  for (const socket of ['indexer', 'auth-userdb']) assert.ok(ours.includes(`/run/dovecot/${socket}`), ours.join(' '));
};

const understandsAllOfIt: Case = async ({ room, input }) => {
  const asRoom: CheckRoom = { run: (argv, options) => room.run(argv, options) };
  assert.deepEqual(await dovecot.check(asRoom, input), []);
  const file = '/etc/dovecot/dovecot.conf';
  const good = await must(room, 'cat', file);
  const codes = async (text: string): Promise<readonly string[]> => {
    await room.put({ [file]: text });
    return (await dovecot.check(asRoom, input)).map(({ code }) => code);
  };
  assert.deepEqual(await codes(`${good}\nno_such_setting = 1\n`), ['dovecot.refused']);
  assert.deepEqual(await codes(`${good}\nauth_verbose = yes\n`), ['dovecot.not-ours']);
  assert.deepEqual(await codes(good.replace('first_valid_uid = 100', 'first_valid_uid = 101')), ['dovecot.misread']);
  assert.deepEqual(await codes(good.replace(/ {2}special_use = .*Junk.*\n/, '\n')), ['dovecot.misread']);
  assert.deepEqual(await codes(good.replace(/(sieve_max_cpu_time) = .*/, '$1 = soon')), ['dovecot.refused']);
  assert.deepEqual(await codes(good), []);
};

/** Dovecot answers a wrong password after two seconds, so what is refused is tried side by side. */
const loginsOverTlsOnly: Case = async ({ room }) => {
  const right = [
    ['argon', 'argon'],
    ['blf', 'blf'],
    ['sha', 'sha'],
    ['nobrace', 'sha'],
    ['odd!#$&*=?^{|}~x', 'sha'],
    ['ARGON', 'argon'],
  ] as const;
  for (const [user, password] of right) assert.ok(accepted(await login(room, user, password)), user);
  const wrong = [
    ['argon', 'wrong'],
    ['argon', ''],
    ['nobody', 'argon'],
    ["x' OR '1'='1", 'sha'],
    ['argon+tag', 'argon'],
  ] as const;
  await Promise.all(wrong.map(async ([user, password]) => assert.equal(await login(room, user, password), REFUSED, user)));
  const commands = [`LOGIN ${address('argon')} argon`, `AUTHENTICATE PLAIN ${plain(address('argon'), 'argon')}`];
  const inClearFrom = async (client: string, command: string): Promise<string> => {
    using clear = await inClear(room, 143, '127.0.0.1', client);
    await clear.answer(/^\* OK .*STARTTLS.*\r\n/);
    return (await clear.say(`a ${command}`, /^a .*\r\n/m)).trim();
  };
  for (const command of commands) {
    // From the server's own address Dovecot takes the connection for secured: there the look-up says no.
    assert.equal(await inClearFrom('127.0.0.1', command), REFUSED);
    assert.match(await inClearFrom('127.0.200.1', command), /(^|\n)a NO \[PRIVACYREQUIRED\]/);
    using tls = await imap(room, 993);
    assert.match(await tls.say(`a ${command}`, /^a .*\r\n/m), /^a OK /m);
  }
  const old = await room.run(['openssl', 's_client', '-connect', '127.0.0.1:993', '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], { ms: 20_000 });
  assert.notEqual(old.code, 0);
};

const sendOnly: Case = async ({ room, input }) => {
  const byManageSieve = async (): Promise<void> => {
    using talk = await sieve(room);
    assert.match(await talk.say(`AUTHENTICATE "PLAIN" "${plain(address('sendonly'), 'sha')}"`, /^(NO|OK) .*\r\n/m), /^NO "Authentication failed\."/m);
  };
  const byImap = async (): Promise<void> => assert.equal(await login(room, 'sendonly', 'sha'), REFUSED);
  const wrong = async (): Promise<void> => assert.equal(await sasl(room, input, 'sendonly', 'wrong'), 'FAIL');
  await Promise.all([byManageSieve(), byImap(), wrong()]);
  assert.equal(await sasl(room, input, 'sendonly', 'sha'), 'OK');
  assert.equal(await sasl(room, input, 'argon', 'argon'), 'OK');
};

const changesCountAtOnce: Case = async ({ room, input, directory }) => {
  const set = (change: string) => directory.change(`UPDATE accounts SET ${change} WHERE username = 'sha'`);
  assert.ok(accepted(await login(room, 'sha', 'sha')));
  await set('enabled = 0');
  assert.deepEqual(await Promise.all([login(room, 'sha', 'sha'), sasl(room, input, 'sha', 'sha')]), [REFUSED, 'FAIL']);
  assert.match(await deliver(room, input, address('sha'), 'Subject: accepted before\r\n\r\nx'), /^250 /);
  await set('enabled = 1');
  assert.ok(accepted(await login(room, 'sha', 'sha')));
  const [row] = await directory.rows("SELECT password FROM accounts WHERE username = 'argon'");
  await set(`password = '${String(row?.['password'])}'`);
  assert.equal(await login(room, 'sha', 'sha'), REFUSED);
  assert.ok(accepted(await login(room, 'sha', 'argon')));
};

/** Tables that come from elsewhere have such hashes; 2.4 refuses them by their scheme, unless it is told not to. */
const oldHashesCount: Case = async ({ room, input, directory }) => {
  const hashed = (
    await Promise.all(
      ['MD5-CRYPT', 'DES-CRYPT', 'SMD5', 'LDAP-MD5', 'PLAIN-MD5', 'SSHA', 'CRAM-MD5'].map((scheme) =>
        must(room, 'doveadm', 'pw', '-s', scheme, '-p', 'old'),
      ),
    )
  ).map((hash) => hash.trim());
  const [crypted = ''] = hashed;
  for (const hash of [...hashed, crypted.replace('{MD5-CRYPT}', '')]) {
    await directory.change("UPDATE accounts SET password = :hash WHERE username = 'sha'", { hash });
    assert.ok(accepted(await login(room, 'sha', 'old')), hash);
    assert.equal(await sasl(room, input, 'sha', 'old'), 'OK', hash);
  }
  assert.deepEqual(await Promise.all([login(room, 'sha', 'other'), sasl(room, input, 'sha', 'other')]), [REFUSED, 'FAIL']);
};

const deliveryIsFaithful: Case = async ({ room, input }) => {
  const body = '..dots at the beginning\r\ntrailing blanks  \r\n\ttab, and 8 bit: \u00fc\r\n\r\nFrom a line\r\n\r\n';
  const wire = body.replace(/^\./gm, '..');
  assert.match(
    await deliver(room, input, address('Argon+Tag'), `Subject: body\r\n\r\n${Buffer.from(wire).toString('latin1')}`.slice(0, -2)),
    /^250 /,
  );
  assert.match(await deliver(room, input, address('argon'), 'X-Spam: Yes\r\nSubject: marked\r\n\r\nx'), /^250 /);
  assert.match(await deliver(room, input, address('argon'), 'X-Spam: no\r\nSubject: not marked\r\n\r\nx'), /^250 /);
  assert.match(await deliver(room, input, address('nobody'), ''), /^550 5\.1\.1 /);
  assert.deepEqual(await subjects(room, 'argon', 'argon', 'INBOX'), ['body', 'not marked']);
  assert.deepEqual(await subjects(room, 'argon', 'argon', 'Spam'), ['marked']);
  using talk = await imap(room);
  await talk.say(`a LOGIN ${address('argon')} argon`, /^a OK/m);
  await talk.say('b SELECT INBOX', /^b OK/m);
  const fetched = await talk.say('c FETCH 1 BODY.PEEK[TEXT]', /^c OK/m);
  const [, size = '', rest = ''] = /\{(\d+)\}\r\n(.*)$/s.exec(fetched) ?? [];
  assert.equal(Buffer.from(rest.slice(0, Number(size)), 'latin1').toString(), body);
  await must(room, 'test', '-d', '/var/vmail/mailboxes/hauspost.test/argon/mail/Spam');
};

const firstLogin: Case = async ({ room }) => {
  using talk = await imap(room, 993);
  await talk.say(`a LOGIN ${address('blf')} blf`, /^a OK/m);
  const listed = await talk.say('b LIST "" "*" RETURN (SUBSCRIBED SPECIAL-USE)', /^b OK/m);
  const folders = [...listed.matchAll(/^\* LIST \(([^)]*)\) "\/" "?([A-Za-z]+)"?\r$/gm)].map(([, flags = '', name]) => {
    const use = flags.split(' ').filter((flag) => /^\\(Junk|Trash|Drafts|Sent|Archive|Subscribed)$/.test(flag));
    return `${name} ${use.sort().join(' ')}`;
  });
  const wanted = ['Archive \\Archive', 'Drafts \\Drafts', 'INBOX', 'Sent \\Sent', 'Spam \\Junk', 'Trash \\Trash'];
  assert.deepEqual(
    folders.sort(),
    wanted
      .map((name) => (name === 'INBOX' ? 'INBOX \\Subscribed' : [name, '\\Subscribed'].join(' ').replace(/(\\Trash) (\\Subscribed)/, '$2 $1')))
      .sort(),
  );
  assert.match(await talk.say('c GETQUOTAROOT INBOX', /^c OK/m), /^\* QUOTA "User quota" \(STORAGE \d+ 1048576\)\r$/m);
  assert.match(await talk.say('d CREATE "Entw&APw-rfe"', /^d /m), /^d OK/m);
  await must(room, 'test', '-d', '/var/vmail/mailboxes/hauspost.test/blf/mail/Entw&APw-rfe');
};

const fullIsFull: Case = async ({ room, input, directory }) => {
  const full = 'action=452 4.2.2 Mailbox is full';
  assert.equal(await policy(room, input, address('small'), 4_000_000), 'action=DUNNO');
  assert.equal(await policy(room, input, address('small'), 6_000_000), full);
  assert.equal(await policy(room, input, address('small+tag'), 6_000_000), full);
  assert.equal(await policy(room, input, address('argon'), 2_000_000_000), 'action=DUNNO', 'unlimited');
  assert.equal(await policy(room, input, address('blf'), 2_000_000_000), full, 'the default');
  assert.equal(await policy(room, input, 'alias@hauspost.test', 1), 'action=DUNNO');
  const megabytes = (count: number): string => `Subject: big\r\n\r\n${`${'x'.repeat(1022)}\r\n`.repeat(1024 * count)}`;
  assert.match(await deliver(room, input, address('small'), megabytes(3)), /^250 /);
  assert.match(await deliver(room, input, address('small'), megabytes(3)), /^452 4\.2\.2 /);
  assert.equal(await policy(room, input, address('small'), 3_000_000), full);
  await directory.change("UPDATE accounts SET quota = 2 WHERE username = 'small'");
  assert.equal(await policy(room, input, address('small'), 0), full, 'over a quota that was lowered');
  using talk = await imap(room);
  await talk.say(`a LOGIN ${address('small')} sha`, /^a OK/m);
  await talk.say('b SELECT INBOX', /^b OK/m);
  assert.match(await talk.say('c MOVE 1 Trash', /^c /m), /^c OK/m);
  await directory.change("UPDATE accounts SET quota = 7 WHERE username = 'small'");
  assert.match(await deliver(room, input, address('small'), megabytes(3)), /^250 /);
};

const EXTENSIONS = [
  ...['fileinto', 'reject', 'envelope', 'encoded-character', 'vacation', 'subaddress', 'comparator-i;ascii-numeric', 'relational', 'regex'],
  ...['imap4flags', 'copy', 'include', 'variables', 'body', 'environment', 'mailbox', 'date', 'index', 'ihave', 'duplicate', 'mime'],
  ...['foreverypart', 'extracttext'],
];
/** Programs, mail of one's own, and what could tell of others. */
const REFUSED_EXTENSIONS = [
  ...['vnd.dovecot.pipe', 'vnd.dovecot.execute', 'vnd.dovecot.filter', 'vnd.dovecot.environment', 'vnd.dovecot.report', 'vnd.dovecot.debug'],
  ...['enotify', 'notify', 'editheader', 'ereject', 'extlists', 'mboxmetadata', 'servermetadata', 'vacation-seconds'],
];

const usersScripts: Case = async ({ room, input }) => {
  using talk = await sieve(room);
  assert.match(await talk.say(`AUTHENTICATE "PLAIN" "${plain(address('nobrace'), 'sha')}"`, /^(NO|OK) .*\r\n/m), /^OK /m);
  const put = (name: string, script: string): Promise<string> =>
    talk.say(`PUTSCRIPT "${name}" {${script.length}+}\r\n${script}`, /^OK .*\r\n|validation failed\.\r\n/m);
  for (const extension of REFUSED_EXTENSIONS) assert.match(await put('bad', `require ["${extension}"];\r\nkeep;\r\n`), /^NO /m, extension);
  assert.match(await put('bad', 'require ["enotify"];\r\nnotify :from "a@b.test" "mailto:c@outside.test";\r\n'), /^NO /m);
  assert.match(await put('answer', 'require ["fileinto", "vacation"];\r\nvacation :from "a@b.test" "away";\r\nfileinto "Archive";\r\n'), /^OK /m);
  for (const extension of EXTENSIONS)
    assert.match(await put('good', `require ["variables", "foreverypart", "mime", "${extension}"];\r\nkeep;\r\n`), /^OK /m, extension);
  assert.match(await put('mine', 'require ["fileinto", "vacation"];\r\nif header :contains "subject" "list" { fileinto "Archive"; }\r\n'), /^OK /m);
  assert.match(await talk.say('SETACTIVE "mine"', /^(NO|OK).*\r\n/m), /^OK /m);
  assert.equal(await must(room, 'readlink', '/var/vmail/sieve/hauspost.test/nobrace/active-script.sieve'), 'scripts/mine.sieve\n');
  assert.match(await deliver(room, input, address('nobrace'), 'Subject: list\r\n\r\nx'), /^250 /);
  assert.match(await deliver(room, input, address('nobrace'), 'X-Spam: Yes\r\nSubject: list of spam\r\n\r\nx'), /^250 /);
  assert.deepEqual(await subjects(room, 'nobrace', 'sha', 'Archive'), ['list']);
  assert.deepEqual(await subjects(room, 'nobrace', 'sha', 'Spam'), ['list of spam']);
  const five = ['a', 'b', 'c', 'd', 'e'].map((name) => `redirect "${name}@outside.test";`).join('\r\n');
  await put('many', `${five}\r\n`);
  using clear = await inClear(room, 4190);
  await clear.answer(/^OK /m);
  assert.match(await clear.say(`AUTHENTICATE "PLAIN" "${plain(address('nobrace'), 'sha')}"`, /^(NO|OK) .*\r\n/m), /^NO /m);
};

/**
 * Each search for a long row of letters in a long row of the same takes long, and a script may have any number of them. That it did not get
 * to its end shows in where the mail is; how long three seconds of a processor take depends on who else wants it.
 */
const burningScripts: Case = async ({ room, input }) => {
  const activate = async (script: string): Promise<void> => {
    using talk = await sieve(room);
    await talk.say(`AUTHENTICATE "PLAIN" "${plain(address('odd!#$&*=?^{|}~x'), 'sha')}"`, /^OK .*\r\n/m);
    await talk.say(`PUTSCRIPT "own" {${script.length}+}\r\n${script}`, /^OK .*\r\n/m);
    await talk.say('SETACTIVE "own"', /^OK .*\r\n/m);
  };
  const taken = async (subject: string): Promise<number> => {
    const begun = performance.now();
    const text = `Subject: ${subject}\r\n\r\n${`${'a'.repeat(998)}\r\n`.repeat(1000)}`;
    assert.match(await deliver(room, input, address('odd!#$&*=?^{|}~x'), text, 180_000), /^250 /);
    return performance.now() - begun;
  };
  const test = `body :raw :contains "${'a'.repeat(900)}b"`;
  await activate(`require ["body", "fileinto"];\r\nif ${test} { discard; }\r\nfileinto "Archive";\r\n`);
  const one = await taken('ordinary');
  await activate(`require ["body", "fileinto"];\r\n${`if ${test} { discard; }\r\n`.repeat(200)}fileinto "Archive";\r\n`);
  const limited = await taken('burning');
  console.log(`    one search ${Math.round(one)} ms, 200 of them given up after ${Math.round(limited)} ms`);
  assert.deepEqual(await subjects(room, 'odd!#$&*=?^{|}~x', 'sha', 'Archive'), ['ordinary']);
  assert.deepEqual(await subjects(room, 'odd!#$&*=?^{|}~x', 'sha', 'INBOX'), ['burning']);
  await activate('require "fileinto";\r\nfileinto "Archive";\r\n');
  await taken('after it');
  assert.deepEqual(await subjects(room, 'odd!#$&*=?^{|}~x', 'sha', 'Archive'), ['ordinary', 'after it']);
};

const serves = async (room: Room, authority: string): Promise<true | undefined> => {
  try {
    using talk = await overTls(room, 993, authority);
    return talk.socket.writable || undefined;
  } catch (error) {
    assert.ok(error instanceof Error);
    return undefined;
  }
};

/** Sessions outlive the reload, also beyond the five seconds after which Dovecot would end them. */
const takesANewConfiguration: Case = async ({ room, input }) => {
  using session = await imap(room);
  await session.say(`a LOGIN ${address('argon')} argon`, /^a OK/m);
  await certificate(room, input);
  await must(room, ...dovecot.unit(input).reload);
  const renewed = await ca(room);
  await until('the new certificate is served', () => serves(room, renewed), 15_000);
  const before = performance.now();
  while (performance.now() - before < 8000) assert.match(await session.say('b NOOP', /^b /m), /^b OK/m);
};

/** What it says of a processor that others want. */
const BUSY = /: (?:Error|Warning): (?:.*\bTime moved forwards? by |.*\bAuth request was queued for \d+ seconds)/;

const nothingIsAmiss: Case = async ({ log }) => {
  const lines = log()
    .split('\n')
    .filter((line) => /: (Error|Warning|Fatal|Panic): /.test(line))
    .filter((line) => !line.endsWith(' auth: Warning: Weak password schemes are allowed')) // They are.
    .filter((line) => !BUSY.test(line));
  assert.deepEqual(lines, []);
};

const CASES: Readonly<Record<string, Case>> = {
  'every door answers': everyDoorAnswers,
  'the listeners are those of the wiring (M23)': theListenersAreOurs,
  'its sockets are closed to the other users of the machine': socketsAreClosed,
  'understands all of it, and the check sees what it does not': understandsAllOfIt,
  'logins over TLS only, every scheme (M12)': loginsOverTlsOnly,
  'send-only: SMTP alone, elsewhere a wrong password (M3)': sendOnly,
  'a changed row counts at once (M4)': changesCountAtOnce,
  'hashes of old schemes go on to count (D1)': oldHashesCount,
  'delivery keeps the body, files spam, knows tags and case (M1, M6, M8)': deliveryIsFaithful,
  'the first login shows the folders and the quota (M11)': firstLogin,
  'full is 452 before and after (M7)': fullIsFull,
  "users' scripts, without programs (M10)": usersScripts,
  'nothing is amiss in the log': nothingIsAmiss,
  'a script that takes too long is given up, and the mail kept (M10)': burningScripts,
  'serves a renewed certificate while sessions go on (M19)': takesANewConfiguration,
};

const obstacle = await labAvailable();
for (const release of ['bookworm', 'trixie'] as const) {
  test(`Dovecot of ${release}`, { skip: obstacle ?? false }, async (t) => {
    const scene = await staged(release);
    t.after(async () => {
      await scene.directory.close();
      await scene.room.close();
    });
    for (const [name, run] of Object.entries(CASES)) await t.test(name, () => run(scene));
    t.diagnostic(scene.log().slice(-3000));
  });
}
