/**
 * M26, M14: nobody gets mail from us because somebody else used his address, or because a program wrote to us. What is sent all the same (a
 * vacation reply, a rejection, a notice of failure) goes to whom it concerns; the vacation reply is signed, the others never are.
 */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ImapFlow, SearchObject } from 'imapflow';
import {
  bothAre,
  fetched,
  fromKeys,
  fromUnbound,
  type Login,
  type Outside,
  outside,
  type Received,
  type Server,
  signatures,
  until,
} from '../index.ts';
import { ok, orders } from '../people.ts';
import { onEachRelease } from '../scenario.ts';

const AWAY: Login = { user: 'away@hauspost.test', pass: 'a-password' };
const PICKY: Login = { user: 'picky@hauspost.test', pass: 'a-password' };
const FORWARDS: Login = { user: 'forwards@hauspost.test', pass: 'a-password' };
const ANSWERS: Login = { user: 'answers@hauspost.test', pass: 'a-password' };
const LIMIT_MS = 60_000;

/** What a script may call itself, by the header that asks for it: aliases through a chain, in another domain, with a tag; and the others. */
const OWN_NAMES = { own: ANSWERS.user, alias: 'desk@hauspost.test', abroad: 'desk@second.test', tag: 'desk+tag@second.test' };
const OTHER_NAMES = {
  colleague: AWAY.user,
  'her-alias': 'front@hauspost.test',
  disabled: 'off@hauspost.test',
  'catch-all': 'any@third.test',
  stranger: 'friend@outside.test',
  unknown: 'nobody@hauspost.test',
};
/** With `:mime` the text begins with more of the reply's header, unchecked: these make it look like mail that came from elsewhere, verified by us. */
const FORGED = ['Received: from elsewhere', 'X-Sieve-Redirected-From: x@hauspost.test', 'Authentication-Results: mail.hauspost.test; dkim=pass'];
const MIME = {
  mime: [ANSWERS.user, []],
  'mime-forged': [ANSWERS.user, FORGED],
  'mime-colleague': [AWAY.user, FORGED],
  'mime-from': [ANSWERS.user, [...FORGED, `From: Desk <${AWAY.user}>`]],
} as const;
const branch = (word: string, from: string, text: string): string =>
  `if header :is "X-As" "${word}" { vacation :handle "${word}" :from "Desk <${from}>" ${text}; }`;
const answersAs = [
  ...Object.entries({ ...OWN_NAMES, ...OTHER_NAMES }).map(([word, from]) => branch(word, from, `"As ${word}."`)),
  ...Object.entries(MIME).map(([word, [from, more]]) =>
    branch(word, from, `:mime "${[...more, 'Content-Type: text/plain', '', `As ${word}.`].join('\r\n')}"`),
  ),
].join('\r\nels');

const SCRIPTS: readonly (readonly [Login, string])[] = [
  [AWAY, 'require "vacation"; vacation :days 1 :subject "Away" "I am on a journey.";'],
  [PICKY, 'require "reject"; reject "I do not want this.";'],
  [FORWARDS, 'redirect "friend@outside.test";'],
  [ANSWERS, `require "vacation";\r\n${answersAs}\r\n`],
];

/** A message from outside to somebody with a script. */
interface Case {
  readonly what: string;
  /** The envelope sender; its own for each case, since Sieve answers nobody twice. */
  readonly from?: string;
  readonly header?: readonly string[];
  /** In To, where it is not the recipient. */
  readonly to?: string;
  /** From an address that may not send for outside.test, with a From that looks like somebody else's: Rspamd marks it. */
  readonly marked?: true;
  /** From such an address, and nothing else: Rspamd does not mark it. */
  readonly unverified?: true;
}

const NOBODY_ANSWERS: readonly Case[] = [
  { what: 'the null sender', from: '' },
  { what: 'a list', header: ['List-Id: <talk.outside.test>'] },
  { what: 'a newsletter', header: ['List-Unsubscribe: <mailto:off@outside.test>'] },
  { what: 'a list that says where to write', header: ['List-Post: <mailto:talk@outside.test>'] },
  { what: 'Precedence: bulk', header: ['Precedence: bulk'] },
  { what: 'Precedence: list', header: ['Precedence: list'] },
  { what: 'Precedence: junk', header: ['precedence: Junk'] },
  { what: 'an automatic reply', header: ['Auto-Submitted: auto-replied'] },
  { what: 'a program', header: ['Auto-Submitted: auto-generated'] },
  { what: 'marked mail', marked: true },
];
const NO_VACATION: readonly Case[] = [
  ...NOBODY_ANSWERS,
  { what: 'a mailer', from: 'MAILER-DAEMON@outside.test' },
  { what: "a list's keeper", from: 'owner-talk@outside.test' },
  { what: 'what is not for this account by name', to: 'somebody@outside.test' },
];
/** A notice of failure goes to senders whom nobody verified: where mail is forwarded, that is most of them. */
const NO_NOTICE: readonly Case[] = [
  ...NOBODY_ANSWERS,
  { what: 'a folded list header', header: ['Precedence:', ' bulk'] },
  {
    what: 'what looks like a program of this machine',
    header: [
      'Received: by mail.hauspost.test (Postfix, from userid 33)',
      '\tid 4XyZ; Mon, 30 Nov 2026 12:00:00 +0000',
      'Auto-Submitted: auto-generated',
    ],
  },
];
const NO_REJECTION: readonly Case[] = [
  ...NOBODY_ANSWERS,
  { what: 'a folded list header', header: ['Precedence:', ' bulk'] },
  { what: 'a sender whom nobody verified', unverified: true },
];

let sent = 0;

/** Sends it; its Message-ID. */
const send = async (server: Server, to: string, one: Case): Promise<string> => {
  const number = ++sent;
  const id = `<m26-${number}@outside.test>`;
  const from = one.from ?? `sender-${number}@outside.test`;
  const forged = one.marked === true || one.unverified === true;
  const lines = [
    `From: ${one.marked === true ? '"service@paypal.com" ' : ''}<${from === '' ? `sender-${number}@outside.test` : from}>`,
    `To: <${one.to ?? to}>`,
    `Subject: hello ${number}`,
    `Message-ID: ${id}`,
    dated(),
    'MIME-Version: 1.0',
    'Content-Type: text/plain',
    ...(one.header ?? []),
  ];
  const smtp = await server.stranger(forged ? {} : undefined);
  for (const line of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`]) assert.equal((await smtp.command(line)).code, 250, line);
  const { code, lines: words } = await smtp.data([...lines, '', `This is ${one.what}, number ${number}.`, ''].join('\r\n'));
  smtp.close();
  assert.equal(code, 250, words.join(' '));
  return id;
};

/** Nothing is on its way any more: neither in the queue nor where sendmail(1) leaves it, twice: at the first look something may be between two queues. */
const settled = async ({ machine }: Server): Promise<void> => {
  const script = '[ -z "$(postqueue -j)" ] && [ -z "$(find /var/spool/postfix/maildrop -type f)" ]';
  let empty = 0;
  const isTwice = async (): Promise<true | undefined> => {
    empty = (await machine.run(['sh', '-c', script])).code === 0 ? empty + 1 : 0;
    return empty > 1 || undefined;
  };
  await until('all mail has gone its way', isTwice, LIMIT_MS, 200);
};

const upload = async (server: Server, login: Login, script: string): Promise<void> => {
  const sieve = await server.sieve();
  assert.equal((await sieve.login(login)).status, 'OK');
  const put = await sieve.put('own', script);
  assert.equal(put.status, 'OK', put.words);
  assert.equal((await sieve.command('SETACTIVE "own"')).status, 'OK');
  sieve.close();
};

const toWhom = (mail: readonly Received[]): readonly string[] => mail.flatMap(({ to }) => to).toSorted();
const isUnsigned = ({ source }: Received): void => assert.doesNotMatch(source.split('\r\n\r\n')[0] ?? '', /^(DKIM-Signature|X-Hauspost)/im);

/** To whom another branch of the script answers. */
const as = (word: string): Case => ({ what: `as ${word}`, header: [`X-As: ${word}`] });

/** AWAY writes, logged in. */
const submit = async (server: Server, to: string, header: readonly string[]): Promise<void> => {
  const smtp = await server.client(587, AWAY);
  for (const line of [`MAIL FROM:<${AWAY.user}>`, `RCPT TO:<${to}>`]) assert.equal((await smtp.command(line)).code, 250, line);
  const text = [`From: <${AWAY.user}>`, `To: <${to}>`, 'Subject: to all', ...header, dated(), '', 'Hello all.', ''];
  assert.equal((await smtp.data(text.join('\r\n'))).code, 250);
  smtp.close();
};

/** The message in INBOX that is found so. */
const told = async (imap: ImapFlow, what: SearchObject): Promise<string> => {
  await imap.mailboxOpen('INBOX');
  return until(
    `${JSON.stringify(what)} is there`,
    async () => {
      await imap.noop();
      const [uid] = (await imap.search(what, { uid: true })) || [];
      const got = uid === undefined ? false : await imap.fetchOne(String(uid), { source: true }, { uid: true });
      return got === false ? undefined : got.source?.toString('latin1');
    },
    LIMIT_MS,
    100,
  );
};

/** In Spam, marked, and without a sender who could be told of anything. */
const isFiled = async (server: Server, login: Login, id: string): Promise<void> => {
  const imap = await server.imap(login);
  const source = await fetched(imap, 'Spam', id);
  assert.match(source, /^X-Spam: Yes\r$/m);
  assert.match(source, /^Return-Path: <>\r$/m);
  await imap.logout();
};

onEachRelease((get: () => Server) => {
  let abroad: Outside;
  before(async () => {
    const server = get();
    abroad = await outside(server.machine);
    for (const login of [AWAY, PICKY, FORWARDS, ANSWERS]) await server.account(login);
    for (const [login, script] of SCRIPTS) await upload(server, login, script);
    await orders(
      server,
      ...['second.test', 'third.test'].map((domain) => ['domain', 'add', domain]),
      ...[
        ['refused@hauspost.test', 'refused@outside.test'],
        ['desk@second.test', ANSWERS.user],
        ['desk@hauspost.test', 'desk@second.test'],
        ['front@hauspost.test', AWAY.user],
        ['@third.test', ANSWERS.user],
        ['off@hauspost.test', ANSWERS.user],
      ].map((words) => ['alias', 'add', ...words]),
      ['alias', 'set', 'off@hauspost.test', ANSWERS.user, '--disabled'],
    );
  });
  after(() => abroad?.[Symbol.asyncDispose]());

  /** What went out because of these, and then because of `last`, which is answered. */
  const answers = async (to: Login, cases: readonly Case[], last: Case): Promise<readonly Received[]> => {
    const server = get();
    const before = abroad.received.length;
    for (const one of cases) {
      const id = await send(server, to.user, one);
      if (one.marked === true) await isFiled(server, to, id);
    }
    await send(server, to.user, last);
    await until(`${last.what} is answered`, () => abroad.received.length > before || undefined, LIMIT_MS, 50);
    await settled(server);
    return abroad.received.slice(before);
  };

  test(`M26, M14: nobody else gets a vacation reply: ${NO_VACATION.map(({ what }) => what).join(', ')}; a person does, once, signed`, async () => {
    const person = { what: 'a person', from: 'person@outside.test' };
    const [reply, ...more] = await answers(AWAY, [...NO_VACATION, person], person);
    assert.ok(reply !== undefined);
    assert.deepEqual([reply.from, ...reply.to], ['', 'person@outside.test']);
    assert.deepEqual(more, [], 'nothing else was sent');
    assert.match(reply.source, /^From: <away@hauspost\.test>\r$/m);
    assert.match(reply.source, /^Auto-Submitted: auto-replied/m);
    assert.match(reply.source, /\r\n\r\nI am on a journey\.\r\n/);
    assert.doesNotMatch(reply.source, /^(X-Hauspost|Authentication-Results)/im);
    assert.deepEqual(await signatures(reply.source, fromUnbound(get().machine)), bothAre('hauspost.test'));
  });

  test('M13, M14: a vacation reply is from its account or an alias that leads there, and signed; as somebody else nothing is sent, and the mail is kept', async () => {
    const server = get();
    const before = abroad.received.length;
    for (const word of [...Object.keys(OTHER_NAMES), ...Object.keys(OWN_NAMES)]) await send(server, ANSWERS.user, as(word));
    const wanted = Object.keys(OWN_NAMES).length;
    await until('the own names are out', () => abroad.received.length >= before + wanted || undefined, LIMIT_MS, 50);
    await settled(server);
    const out = abroad.received.slice(before);
    assert.deepEqual(out.map(({ source }) => /^From: Desk <(.*)>\r$/m.exec(source)?.[1]).toSorted(), Object.values(OWN_NAMES).toSorted());
    for (const { from, source } of out) {
      assert.equal(from, '');
      const domain = /^From: .*@(.*)>\r$/m.exec(source)?.[1];
      assert.deepEqual(await signatures(source, fromKeys(server.machine)), bothAre(domain ?? ''));
    }
    const imap = await server.imap(ANSWERS);
    const status = await imap.status('INBOX', { messages: true });
    assert.equal(status === false ? undefined : status.messages, Object.keys({ ...OWN_NAMES, ...OTHER_NAMES }).length);
    await imap.logout();
  });

  test('M13: a vacation reply whose script writes headers is judged as any, and cannot vouch for itself', async () => {
    const before = abroad.received.length;
    for (const word of ['mime-colleague', 'mime-from', 'mime-forged', 'mime']) await send(get(), ANSWERS.user, as(word));
    await until('the own name is out', () => abroad.received.length >= before + 2 || undefined, LIMIT_MS, 50);
    await settled(get());
    const out = abroad.received.slice(before).map(({ source }) => source);
    assert.deepEqual(out.map((source) => /^As (.*)\.\r$/m.exec(source)?.[1]).toSorted(), ['mime', 'mime-forged']);
    for (const source of out) {
      assert.deepEqual(source.match(/^From: .*(?=\r$)/gm), [`From: Desk <${ANSWERS.user}>`]);
      assert.doesNotMatch(source, /^Authentication-Results:/im);
    }
  });

  test("M14: neither a local program's mail that looks like a vacation reply nor what Sieve redirects is signed", async () => {
    const { machine } = get();
    const like = (more: string): string =>
      `From: <away@hauspost.test>\nTo: <friend@outside.test>\nSubject: forged\nMessage-ID: <forged-${more.length}@hauspost.test>\nAuto-Submitted: auto-replied (vacation)\n${more}\nforged\n`;
    ok(await machine.run(['sendmail', '-i', '-f', '<>', 'friend@outside.test'], { user: 'www-data', input: like('') }));
    isUnsigned(await abroad.message('<forged-0@hauspost.test>'));
    const forge = async (id: string, from: string): Promise<void> => {
      const smtp = await get().stranger();
      for (const line of ['MAIL FROM:<>', `RCPT TO:<${FORWARDS.user}>`]) assert.equal((await smtp.command(line)).code, 250);
      const forged = like('').replace('forged-0@', `${id}@`).replace('From: <away@hauspost.test>', `From: <${from}>`);
      assert.equal((await smtp.data(forged.replaceAll('\n', '\r\n'))).code, 250);
      smtp.close();
    };
    // The domain's DMARC record asks for quarantine: such mail is filed, and goes no further.
    await forge('filed', FORWARDS.user);
    await isFiled(get(), FORWARDS, '<filed@hauspost.test>');
    await forge('redirected', 'desk@second.test');
    const redirected = await abroad.message('<redirected@hauspost.test>');
    assert.ok(!abroad.received.some(({ source }) => source.includes('<filed@hauspost.test>')));
    assert.match(redirected.source, /^X-Sieve-Redirected-From: forwards@hauspost\.test\r$/m);
    isUnsigned(redirected);
  });

  test(`M26: no rejection: ${NO_REJECTION.map(({ what }) => what).join(', ')}; a person gets one for each message`, async () => {
    const person = { what: 'a person', from: 'person@outside.test' };
    const out = await answers(PICKY, [...NO_REJECTION, person], person);
    assert.deepEqual(toWhom(out), ['person@outside.test', 'person@outside.test']);
    for (const each of out) {
      assert.equal(each.from, '');
      assert.match(each.source, /I do not want this\./);
      assert.match(each.source, /^Auto-Submitted: auto-replied \(rejected\)\r$/m);
      isUnsigned(each);
    }
    const imap = await get().imap(PICKY);
    const status = await imap.status('INBOX', { messages: true });
    assert.equal(status === false ? undefined : status.messages, 0, 'what is rejected is not kept');
    await imap.logout();
  });

  test('M27: what a script redirects counts for its account: up to the limit it leaves, beyond it waits until the hour is over', async () => {
    const server = get();
    const redis = (...words: readonly string[]) => server.machine.run(['redis-cli', '-s', '/run/redis/redis-server.sock', ...words]);
    const sent = `hauspost_sent_${FORWARDS.user}`;
    const counted = Number(ok(await redis('GET', sent)).stdout);
    assert.ok(counted >= 1, 'what was redirected before');
    ok(await redis('SET', sent, '299', 'EX', '3600'));
    const one = await send(server, FORWARDS.user, { what: 'the last one' });
    const redirected = await abroad.message(one);
    assert.match(redirected.source, /^X-Sieve-Redirected-From: forwards@hauspost\.test\r$/m);
    const more = await send(server, FORWARDS.user, { what: 'one too many' });
    const queue = async () => ok(await server.machine.run(['postqueue', '-j'])).stdout;
    await until('it waits', async () => (/"queue_name": ?"deferred"/.test(await queue()) ? true : undefined), LIMIT_MS, 100);
    const imap = await server.imap(server.demo);
    await imap.mailboxOpen('INBOX');
    await until(
      'the postmaster is told',
      async () => {
        await imap.noop();
        return ((await imap.search({ subject: `${FORWARDS.user} sends more mail than it may` })) || []).length === 1 || undefined;
      },
      LIMIT_MS,
      100,
    );
    await imap.logout();
    assert.ok(!abroad.received.some(({ source }) => source.includes(more)));
    ok(await redis('DEL', sent));
    ok(await server.machine.run(['postqueue', '-f']));
    isUnsigned(await abroad.message(more));
  });

  test(`M26: mail that is forwarded and refused there: no notice: ${NO_NOTICE.map(({ what }) => what).join(', ')}; a person gets one`, async () => {
    const server = get();
    const before = abroad.received.length;
    for (const one of NO_NOTICE) await send(server, 'refused@hauspost.test', one);
    await send(server, 'refused@hauspost.test', { what: 'a person', from: 'person@outside.test' });
    await until('the person is told', () => abroad.received.length > before || undefined, LIMIT_MS, 50);
    await settled(server);
    const out = abroad.received.slice(before);
    assert.deepEqual(toWhom(out), ['person@outside.test']);
    for (const each of out) {
      assert.equal(each.from, '');
      assert.match(each.source, /^Subject: Undelivered Mail Returned to Sender\r$/m);
      isUnsigned(each);
    }
  });

  test('M26: a rejection goes to one of ours as well, unless it was sent in bulk', async () => {
    const server = get();
    await submit(server, PICKY.user, ['Precedence: bulk', 'Message-ID: <picky-all@hauspost.test>']);
    await settled(server);
    await submit(server, PICKY.user, ['Message-ID: <picky-one@hauspost.test>']);
    const imap = await server.imap(AWAY);
    const rejection = { header: { 'auto-submitted': 'auto-replied (rejected)' } };
    const text = await told(imap, rejection);
    assert.match(text, /I do not want this\./);
    assert.match(text, /^Message-ID: <picky-one@hauspost\.test>\r$/m);
    await settled(server);
    await imap.noop();
    assert.equal(((await imap.search(rejection)) || []).length, 1, 'nothing was sent for what came in bulk');
    await imap.logout();
  });

  test('M26: who sends in bulk is still the sender of what arrives, and one of ours is told what failed', async () => {
    const server = get();
    const id = await send(server, AWAY.user, { what: 'a newsletter', from: 'news@outside.test', header: ['List-Id: <news.outside.test>'] });
    const imap = await server.imap(AWAY);
    assert.match(await fetched(imap, 'INBOX', id), /^Return-Path: <news@outside\.test>\r$/m);
    await submit(server, 'refused@outside.test', ['Precedence: bulk', 'Message-ID: <to-all@hauspost.test>']);
    assert.match(await told(imap, { from: 'MAILER-DAEMON@mail.hauspost.test' }), /^Message-ID: <to-all@hauspost\.test>\r$/m);
    await imap.logout();
  });
});
