/**
 * M14, M15: two servers of ours, one of each release, in one internet: they write to each other under TLS that DANE vouches for, believe each
 * other's signatures and addresses, and wait while a TLSA record is wrong.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test, type TestContext } from 'node:test';
import { dated } from '../dated.ts';
import { emptied } from '../delivered.ts';
import { fetched, until } from '../index.ts';
import { type EximServer, fateOf, handIn, type Internet, internet, type Ours } from '../internet/index.ts';
import { succeeded } from '../process.ts';

let net: Internet;
let house: Ours;
let club: Ours;
let third: EximServer;
let begun = new Date();

before(async () => {
  net = await internet();
  house = await net.ours('bookworm');
  club = await net.ours('trixie');
  third = await net.exim('third', { certificate: 'authority', tlsa: 'right' });
});
beforeEach(() => {
  begun = new Date();
});
afterEach(async (context) => {
  // Node's types do not know it yet (nodejs.org/api/test.html, context.passed).
  if (!(context as TestContext & { readonly passed: boolean }).passed && net !== undefined) console.log(await net.report(begun));
});
after(() => net?.[Symbol.asyncDispose]());

const DIRECTIONS: readonly (readonly [what: string, get: () => readonly [from: Ours, to: Ours]])[] = [
  ['Debian 12 to Debian 13', () => [house, club]],
  ['Debian 13 to Debian 12', () => [club, house]],
];

const tagged = ({ demo }: Ours, tag: string): string => demo.user.replace('@', `+${tag}@`);

const idOf = ({ identity }: Ours, subject: string): string => `<${subject}@${identity.domain}>`;

/** Its octets, once it is there. */
const lies = async (server: Ours, id: string): Promise<string> => {
  const imap = await server.imap(server.demo);
  try {
    return await fetched(imap, 'INBOX', id);
  } finally {
    await imap.logout();
  }
};

/** All messages of the inbox in which `mark` stands. */
const inboxWith = async (server: Ours, mark: string): Promise<readonly string[]> => {
  const imap = await server.imap(server.demo);
  const lock = await imap.getMailboxLock('INBOX');
  try {
    const found: string[] = [];
    for await (const { source } of imap.fetch('1:*', { source: true })) found.push(source?.toString('latin1') ?? '');
    return found.filter((text) => text.includes(mark));
  } finally {
    lock.release();
    await imap.logout();
  }
};

/** The notice of failure about the message with this subject. */
const notice = (server: Ours, subject: string): Promise<string> =>
  until(
    `${server.identity.hostname} has a notice about ${subject}`,
    async () => (await inboxWith(server, subject)).find((text) => /^Content-Type: multipart\/report/m.test(text)),
    60_000,
    500,
  );

/** Lines end as programs of a host write them. */
const strangers = (to: string, subject: string): string =>
  [
    'From: Reader <reader@third.example>',
    `To: <${to}>`,
    `Subject: ${subject}`,
    dated(),
    `Message-ID: <${subject}@third.example>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain',
    '',
    'Hello, I hope that this finds somebody.',
    '',
  ].join('\n');

/** What the receiver says that it verified (RFC 8601). */
const isVerified = (source: string, from: Ours, to: Ours): void => {
  const [field = '', ...more] = source.match(/^Authentication-Results:(?:.*\r\n)(?:[ \t].*\r\n)*/gim) ?? [];
  assert.deepEqual(more, []);
  assert.ok(field.includes(`${to.identity.hostname};`), field);
  assert.match(field, /[\s;]dkim=pass\b/);
  assert.ok(field.includes(`header.d=${from.identity.domain}`), field);
  assert.match(field, /[\s;]spf=pass\b/);
};

for (const [what, get] of DIRECTIONS) {
  test(`M14, M15: ${what}: a message and its answer go under verified TLS, and pass DKIM and SPF`, async () => {
    const [from, to] = get();
    for (const [sender, receiver] of [
      [from, to],
      [to, from],
    ] as const) {
      const address = tagged(receiver, `from-${from.identity.hostname}`);
      const subject = await handIn(sender, address);
      const fate = await fateOf(sender, address);
      assert.deepEqual([fate.status, fate.tls?.level, fate.tls?.version], ['sent', 'Verified', 'TLSv1.3'], JSON.stringify(fate));
      isVerified(await lies(receiver, idOf(sender, subject)), sender, receiver);
    }
  });

  test(`M15: ${what}: what is for nobody comes back to its sender, and nobody gets it`, async () => {
    const [from, to] = get();
    const address = `nobody@${to.identity.domain}`;
    const subject = await handIn(from, address);
    assert.equal((await fateOf(from, address)).status, 'bounced');
    const text = await notice(from, subject);
    assert.match(text, new RegExp(`^Final-Recipient: rfc822; *${address}\r$`, 'm'));
    assert.match(text, /^Action: failed\r$/m);
    assert.deepEqual(await inboxWith(to, subject), []);
  });

  test(`M15, M26: ${what}: an alias that leads to nobody there sends its notice to the stranger who wrote`, async () => {
    const [from, to] = get();
    const [alias, nobody] = [`lost@${from.identity.domain}`, `lost-there@${to.identity.domain}`];
    await from.order('alias', 'add', alias, nobody);
    const subject = `lost-by-${from.identity.hostname}`;
    await third.submit('reader@third.example', alias, strangers(alias, subject));
    const text = await third.message(subject);
    assert.match(text, /^Return-path: <>$/m);
    assert.match(text, new RegExp(`^Final-Recipient: rfc822; *${nobody}$`, 'm'));
  });
}

test('M5, M15: an alias that leads to the other server, whose alias leads back, ends in one mailbox, once', async () => {
  const [there, back] = [`there@${house.identity.domain}`, `back@${club.identity.domain}`];
  await house.order('alias', 'add', there, back);
  await club.order('alias', 'add', back, house.demo.user);
  await third.submit('reader@third.example', there, strangers(there, 'there-and-back'));
  const source = await lies(house, '<there-and-back@third.example>');
  const way = [...source.matchAll(/^Received: from (mail\.\S+) \(mail\./gm)].map(([, name]) => name);
  assert.deepEqual(way, ['mail.club.example', 'mail.house.example', 'mail.third.example'], source);
  for (const server of [house, club]) await emptied(server);
  assert.equal((await inboxWith(house, 'there-and-back')).length, 1);
  assert.deepEqual(await inboxWith(club, 'there-and-back'), []);
});

for (const [what, get] of DIRECTIONS)
  test(`M15: ${what}: while the TLSA record is wrong mail waits, and goes once it is right again`, async () => {
    const [from, to] = get();
    const name = `_25._tcp.${to.identity.hostname}`;
    const right = (await net.people.must(['kdig', '+short', name, 'TLSA'])).stdout.trim();
    // unbound-control(8): plain `flush` leaves TLSA; processes of smtp(8) that run may know it as well.
    const forget = ['sh', '-c', 'unbound-control flush_type "$1" TLSA && postfix reload', 'forget', name];
    const becomes = async (data: string): Promise<void> => {
      await net.names.remove(`${name}. TLSA`);
      await net.names.add(`${name}. TLSA ${data}`);
      succeeded(forget, await from.machine.run(forget));
    };
    await becomes(`3 1 1 ${'0'.repeat(64)}`);
    const address = tagged(to, 'wrong');
    const subject = await handIn(from, address);
    try {
      const fate = await fateOf(from, address);
      assert.equal(fate.status, 'deferred', JSON.stringify(fate));
      assert.match(fate.words, /^Server certificate not (?:verified|trusted)$/);
      assert.deepEqual(await inboxWith(to, subject), []);
    } finally {
      await becomes(right);
    }
    await emptied(from);
    isVerified(await lies(to, idOf(from, subject)), from, to);
  });
