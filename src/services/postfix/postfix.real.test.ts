/**
 * The real Postfix of both releases with what we render: what the contract says of it (M1 to M3, M12, M13, M16, M18, M20, M24, M25).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labAvailable, until } from '#lab';
import type { CheckRoom } from '#model';
import { postfix } from './index.ts';
import { dial, LIMIT_MS, member, must, open, rcpt, type Scene, send, serving, staged, stranger, talkOver } from './real-scene.lab.ts';

/** Every message in the mailbox, as it lies there. */
const mailbox = async ({ room }: Scene, user: string): Promise<readonly string[]> => {
  const { stdout } = await room.run([
    'sh',
    '-c',
    'for f in "$1"/mail/new/*; do [ -f "$f" ] && cat "$f" && printf "\\036"; done',
    'sh',
    `/var/mails/hauspost.test/${user}`,
  ]);
  return stdout.split('\x1e').filter((message) => message !== '');
};
const arrived = (scene: Scene, user: string, marked: string): Promise<string> =>
  until(`${marked} for ${user}`, async () => (await mailbox(scene, user)).find((message) => message.includes(marked)), LIMIT_MS);

type Case = (scene: Scene) => Promise<void>;

const understandsAllOfIt: Case = async ({ room, input }) => {
  const view: CheckRoom = { run: (argv, options) => room.run(argv, options) };
  assert.deepEqual(await postfix.check(view, input), []);
  const before = await must(room, 'cat', '/etc/postfix/main.cf');
  await room.put({ '/etc/postfix/main.cf': `${before}smtpd_no_such_thing = yes\n` });
  assert.deepEqual(
    (await postfix.check(view, input)).map((each) => each.code),
    ['postfix.refused'],
  );
  await room.put({ '/etc/postfix/main.cf': before });
};

const recipients: Case = async (scene) => {
  const wanted = {
    '<demo@hauspost.test>': '250',
    '<DEMO+tag@Hauspost.Test>': '250',
    '<info@hauspost.test>': '250',
    '<any+x@example.test>': '250',
    '<postmaster>': '250',
    '<abuse@mail.hauspost.test>': '250',
    '<nobody@hauspost.test>': '550',
    '<robot@hauspost.test>': '550',
    '<bots@hauspost.test>': '550',
    '<gone@hauspost.test>': '550',
    '<www-data@mail.hauspost.test>': '550',
  };
  const [outside, inside] = [await stranger(scene), await member(scene, 587)];
  for (const [to, code] of Object.entries(wanted)) {
    assert.equal(await rcpt(outside, '<a@outside.test>', to), code, `${to} on 25`);
    assert.equal(await rcpt(inside, '<demo@hauspost.test>', to), code, `${to} on 587`);
  }
  assert.equal(await rcpt(inside, '<demo@hauspost.test>', '<x@outside.test>'), '250');
  assert.equal(await rcpt(inside, '<demo@hauspost.test>', '<x@nowhere.test>'), '550');
  assert.equal(await rcpt(outside, '<a@nowhere.test>', '<demo@hauspost.test>'), '550');
};

/** After ten errors in a conversation smtpd answers slowly (smtpd_soft_error_limit). */
const REFUSALS = 8;

/** Each is followed by its accepted twin in the same conversation. */
const RELAY = [
  '<x@outside.test>',
  '<x%outside.test@hauspost.test>',
  '<@hauspost.test:x@outside.test>',
  '<@a.test,@hauspost.test:x@outside.test>',
  '<"x@outside.test"@hauspost.test>',
  '<"x@outside.test">',
  '<outside.test!x>',
  '<outside.test!x@hauspost.test>',
  '<hauspost.test!x@outside.test>',
  '<x@[127.0.0.1]>',
  '<x@[127.0.0.9]>',
  '<x@[IPv6:::1]>',
  '<x@9.9.9.9>',
  '<x%outside.test>',
  '<x@outside.test@hauspost.test>',
  '<"x@outside.test"@[127.0.0.1]>',
  '<@[127.0.0.1]:x@outside.test>',
  '<"demo@hauspost.test"@outside.test>',
  'x@outside.test',
];

const noRelay: Case = async (scene) => {
  for (const host of ['127.0.0.1', '::1']) {
    for (let next = 0; next < RELAY.length; next += REFUSALS) {
      const talk = await stranger(scene, host);
      for (const to of RELAY.slice(next, next + REFUSALS)) {
        assert.match(await rcpt(talk, '<demo@hauspost.test>', to), /^5/, `${to} from ${host}`);
        assert.equal(await rcpt(talk, '<a@outside.test>', '<demo@hauspost.test>'), '250');
      }
      talk.close();
    }
  }
};

const loginsOnlyOverTls: Case = async (scene) => {
  const plain = await open(scene, 25);
  assert.doesNotMatch(await plain.say('EHLO peer.outside.test'), /AUTH|DSN|SMTPUTF8/);
  const over = await plain.starttls();
  const offered = await over.say('EHLO peer.outside.test');
  assert.doesNotMatch(offered, /AUTH/);
  assert.match(offered, /^250-SIZE 52428800\r$/m);
  assert.match(offered, /8BITMIME/);
  assert.match(await over.say('AUTH PLAIN AGEAYg=='), /^503 /);
  const submission = await open(scene, 587);
  const clear = await submission.say('EHLO [192.0.2.77]');
  assert.match(clear, /STARTTLS/);
  assert.doesNotMatch(clear, /AUTH/);
  assert.match(await submission.say('AUTH PLAIN AGEAYg=='), /^530 /);
  const secure = await submission.starttls();
  assert.match(await secure.say('EHLO [192.0.2.77]'), /^250-AUTH PLAIN LOGIN\r$/m);
  assert.equal(await rcpt(secure, '<demo@hauspost.test>', '<demo@hauspost.test>'), '554');
  assert.match(await secure.say(`AUTH PLAIN ${Buffer.from('\0demo@hauspost.test\0wrong').toString('base64')}`), /^535 /);
};

const senders: Case = async (scene) => {
  const wanted = {
    '<demo@hauspost.test>': '250',
    '<Demo+tag@hauspost.test>': '250',
    '<info@hauspost.test>': '250',
    '<info+x@hauspost.test>': '250',
    '<>': '250',
    '<other@hauspost.test>': '553',
    '<x@outside.test>': '553',
    '<any@example.test>': '553',
    '<nobody@hauspost.test>': '553',
    '<postmaster@mail.hauspost.test>': '553',
  };
  for (const port of [587, 465] as const) {
    const talk = await member(scene, port);
    for (const [from, code] of Object.entries(wanted)) assert.equal(await rcpt(talk, from, '<other@hauspost.test>'), code, `${from} on ${port}`);
  }
  assert.equal(await rcpt(await member(scene, 465, 'robot'), '<robot@hauspost.test>', '<demo@hauspost.test>'), '250');
};

const ENDINGS = ['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r', '\n.\r', '\r.\n', '\r.\r\n', '\r\n.\r', '\r\n\0.\r\n', '\r\r\n.\r\r\n'];

const noSmuggling: Case = async (scene) => {
  for (const [index, ending] of ENDINGS.entries()) {
    const hidden = `MAIL FROM:<evil@outside.test>\r\nRCPT TO:<other@hauspost.test>\r\nDATA\r\nSubject: hidden\r\n\r\nx`;
    const talk = await stranger(scene);
    assert.match(
      await send(talk, '<a@outside.test>', '<demo@hauspost.test>', `Subject: ending ${index}\r\n\r\none${ending}${hidden}\r\n.\r\n`),
      /^250 .*queued as/,
    );
    assert.match(await arrived(scene, 'demo', `Subject: ending ${index}`), /Subject: hidden/);
    assert.match(await talk.say('QUIT'), /^221 /);
  }
  assert.ok((await mailbox(scene, 'other')).every((message) => !message.includes('hidden')));
  const eager = talkOver(await dial(scene, 25, '127.0.0.1'));
  eager.send('EHLO a.test\r\nMAIL FROM:<a@outside.test>\r\nRCPT TO:<demo@hauspost.test>\r\nDATA\r\n');
  // Where the machine is busy the greeting is on its way before the words that came too early are there.
  const first = await eager.answer();
  assert.match(/^220 [^\r\n]*$/.test(first) ? await eager.answer() : first, /554 5\.5\.0/);
};

const privacy: Case = async (scene) => {
  const inner = 'Received: from x by mail.hauspost.test (Postfix) with ESMTPSA id 1\r\nX-Mailer: Inner\r\nSubject: in\r\n\r\nhi';
  const outer =
    'From: demo@hauspost.test\r\nSubject: private\r\nX-Mailer: Foo\r\nUser-Agent: Bar\r\nX-Originating-IP: [192.0.2.77]\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n';
  assert.match(await send(await member(scene, 587), '<demo@hauspost.test>', '<other@hauspost.test>', `${outer}${inner}\r\n--b--\r\n.\r\n`), /^250 /);
  const [head = '', body = ''] = (await arrived(scene, 'other', 'Subject: private')).replaceAll('\r\n', '\n').split(/\n\n(.*)/s);
  assert.doesNotMatch(head, /192\.0\.2\.77|127\.0\.0\.9|X-Mailer|User-Agent|X-Originating/);
  assert.match(head, /^Received: by mail\.hauspost\.test \(Postfix\) (with ESMTPSA )?id /m);
  assert.ok(body.includes(inner.replaceAll('\r\n', '\n')));
};

const localMail: Case = async (scene) => {
  const { room } = scene;
  await room.run(['sendmail', '-i', 'www-data'], { input: 'Subject: from cron\n\nx\n' });
  await arrived(scene, 'demo', 'Subject: from cron');
  await room.run(['sendmail', '-i', '-f', 'nosuch', 'x@nowhere.test'], { input: 'Subject: comes back\n\nx\n' });
  await arrived(scene, 'demo', 'Subject: Undelivered Mail');
};

const withoutDatabase: Case = async (scene) => {
  const { room, input } = scene;
  const socket = input.wiring.sockets.mariadb.path;
  await must(room, 'mv', socket, `${socket}.away`);
  const proxies = (await room.run(['pgrep', '-x', 'proxymap'])).stdout.trim().split('\n');
  // One may have ended by itself meanwhile.
  await room.run(['kill', ...proxies]);
  assert.match(await rcpt(await stranger(scene), '<a@outside.test>', '<demo@hauspost.test>'), /^4/);
  assert.match(await rcpt(await stranger(scene), '<a@outside.test>', '<nobody@hauspost.test>'), /^4/);
  await must(room, 'mv', `${socket}.away`, socket);
  await must(room, ...postfix.unit(input).reload);
  await until(
    'answers again',
    async () => (await rcpt(await stranger(scene), '<a@outside.test>', '<demo@hauspost.test>')) === '250' || undefined,
    LIMIT_MS,
  );
};

const CASES: Readonly<Record<string, Case>> = {
  'recipients are judged at RCPT, on 25 and on submission (M2, M3)': recipients,
  'no relay in any syntax, IPv4 and IPv6 (M16)': noRelay,
  'logins over TLS only, never on 25 (M12, M18, M25)': loginsOnlyOverTls,
  'envelope senders belong to the login (M13)': senders,
  'no end of data but one, no talking ahead (M16)': noSmuggling,
  'the outer header does not tell about the client (M12)': privacy,
  'mail of local programs and its bounces reach the postmaster (M24)': localMail,
  'without the database mail is put off (M20)': withoutDatabase,
};

const obstacle = await labAvailable();
for (const release of ['bookworm', 'trixie'] as const) {
  test(`Postfix of ${release}`, { skip: obstacle ?? false }, async (t) => {
    const scene = await staged(release);
    t.after(async () => {
      await scene.directory.close();
      await scene.room.close();
    });
    await t.test('understands all of it, and the check sees what it does not', () => understandsAllOfIt(scene));
    const up = await serving(scene);
    for (const [name, run] of Object.entries(CASES)) await t.test(name, () => run(up));
    t.diagnostic(up.log().slice(-3000));
  });
}
