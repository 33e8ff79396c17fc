/**
 * M14 and M16 as others see them. What Exim gets from us is asked of four verifiers that share no code with each other or with Rspamd, with
 * keys from DNS: Exim's own, mailauth, dkimpy and Mail::DKIM, which looks at RSA alone; and what is not ours bears no signature. Nobody relays by us or hides a second
 * message in one, by IPv4 and IPv6.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dated } from '../dated.ts';
import { type Login, outside, Smtp } from '../index.ts';
import {
  addressLines,
  byExim,
  type EximServer,
  FAMILIES,
  type Internet,
  onEachReleaseThere,
  type Ours,
  reverseLines,
  unanimous,
  verdicts,
} from '../internet/index.ts';
import { isRefused, recipient, relaysAt } from '../parts/recipients.ts';
import { smuggledIn, smuggledOut } from '../parts/smuggling.ts';
import { ok } from '../people.ts';

const READER = 'reader@right.example';
const FRIEND = 'friend@raw.example';

interface Text {
  readonly what: string;
  /** In the place of the usual one, octets as latin1. */
  readonly subject?: string;
  readonly mime?: readonly string[];
  readonly body: readonly string[];
}

const PLAIN = ['Content-Type: text/plain; charset=us-ascii'];
const UTF8 = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit'];
const octets = (text: string): string => Buffer.from(text).toString('latin1');
const PARTS = [
  ...['--part', ...PLAIN, '', 'See the picture.', '', '--part', 'Content-Type: image/png', 'Content-Transfer-Encoding: base64'],
  ...['Content-Disposition: attachment; filename="a.png"', '', ...Array.from({ length: 400 }, () => 'QUJD'.repeat(19)), '--part--'],
];

const TEXTS: readonly Text[] = [
  { what: 'ASCII', body: ['Hello.'] },
  { what: 'an encoded subject', subject: '=?utf-8?q?Gr=C3=BC=C3=9Fe?=', body: ['Hello.'] },
  { what: 'a subject in bare UTF-8', subject: octets('Grüße aus Łódź'), body: ['Hello.'] },
  { what: 'a folded subject', subject: 'a long way\r\n  from here\r\n\tto there', body: ['Hello.'] },
  { what: 'text of eight bits', mime: UTF8, body: [octets('Grüße, 日本語')] },
  { what: 'dots at the beginning of lines', body: ['.', '..', '.hidden', '', '...'] },
  { what: 'lines of 990 octets', body: ['x'.repeat(990), `.${'y'.repeat(989)}`] },
  { what: 'spaces and empty lines at the end', body: ['Hello. \t ', '  ', '', '', ''] },
  { what: 'no text', body: [] },
  { what: 'an attachment', mime: ['Content-Type: multipart/mixed; boundary=part'], body: PARTS },
];

const AWAY: Login = { user: 'away', pass: 'password-of-away' };
const FORWARDS: Login = { user: 'forwards', pass: 'password-of-forwards' };
const at = ({ identity }: Ours, name: string): string => `${name}@${identity.domain}`;

const scripted = async (server: Ours, { user, pass }: Login, script: string): Promise<void> => {
  const login = { user: at(server, user), pass };
  await server.account(login);
  const sieve = await server.sieve();
  assert.equal((await sieve.login(login)).status, 'OK');
  assert.equal((await sieve.put('own', script)).status, 'OK');
  assert.equal((await sieve.command('SETACTIVE "own"')).status, 'OK');
  sieve.close();
};

const arrange = async (net: Internet, server: Ours): Promise<{ readonly right: EximServer }> => {
  const right = await net.exim('right', { certificate: 'authority', tlsa: 'right' });
  const raw = net.people.addresses;
  await net.names.add(
    'right.example. TXT "v=spf1 mx -all"',
    'raw.example. TXT "v=spf1 mx -all"',
    'raw.example. MX 10 mail.raw.example.',
    ...addressLines('mail.raw.example.', raw),
    // Each of these hosts has one address alone.
    ...FAMILIES.flatMap((family) => [
      `raw-${family}.example. TXT "v=spf1 mx -all"`,
      `raw-${family}.example. MX 10 mail.raw-${family}.example.`,
      ...addressLines(`mail.raw-${family}.example.`, raw).filter((line) => line.endsWith(raw[family])),
    ]),
  );
  await net.names.add(...reverseLines(raw, 'mail.raw.example.'));
  await scripted(server, AWAY, 'require "vacation"; vacation :days 1 :subject "Away" "I am on a journey.";');
  await scripted(server, FORWARDS, `redirect "${READER}";`);
  await server.order('alias', 'add', at(server, 'outward'), READER);
  await server.order('alias', 'add', at(server, 'lost'), 'refused@raw.example');
  return { right };
};

const textOf = (from: string, to: string, id: string, { subject = 'Thursday', mime = PLAIN, body }: Text): string =>
  [`From: <${from}>`, `To: <${to}>`, `Subject: ${subject}`, dated(), `Message-ID: <${id}>`, 'MIME-Version: 1.0', ...mime, '', ...body, ''].join(
    '\r\n',
  );

const hands = async (smtp: Smtp, from: string, to: string, text: string): Promise<void> => {
  try {
    for (const line of [`MAIL FROM:<${from}> BODY=8BITMIME`, `RCPT TO:<${to}>`]) assert.equal((await smtp.command(line)).code, 250, line);
    const { code, lines } = await smtp.data(text);
    assert.equal(code, 250, lines.join(' '));
  } finally {
    smtp.close();
  }
};

const isUnsigned = async (there: EximServer, text: string): Promise<void> => {
  assert.doesNotMatch(text.split('\n\n')[0] ?? '', /^DKIM-Signature:/im);
  assert.deepEqual(await byExim(there, text), []);
};

/** What somebody else writes, without dots at the beginning of lines. */
const strangers = (from: string, to: string, id: string): string =>
  textOf(from, to, id, { what: id, body: ['Hello, this is from somewhere else.'] }).replaceAll('\r\n', '\n');

const CHANGES: readonly (readonly [what: string, from: RegExp, to: string, verdict: 'pass' | 'fail'])[] = [
  ['nothing', /Hello\./, 'Hello.', 'pass'],
  ['body', /Hello\./, 'Hallo.', 'fail'],
  ['subject', /^Subject: Thursday/m, 'Subject: Friday', 'fail'],
  ['sender', /^From: </m, 'From: Somebody Else <', 'fail'],
];

const RELAYS: readonly (readonly [how: string, path: string])[] = [
  ['by quoted percent', '<"friend%right.example"@house.example>'],
  ['by an empty quoted part', '<""@right.example>'],
  ['in another script', octets('<frieñd@right.example>')],
];

onEachReleaseThere(
  ({ net, server }) => arrange(net, server),
  (get) => {
    for (const [number, one] of TEXTS.entries())
      test(`M14: four verifiers far away believe what a login sends: ${one.what}`, async () => {
        const { server, right } = get();
        const id = `text-${number}@${server.identity.domain}`;
        await hands(await server.client(587, server.demo), server.demo.user, READER, textOf(server.demo.user, READER, id, one));
        const text = await right.message(id);
        assert.deepEqual(await verdicts(right, text), unanimous(`${server.identity.domain} pass`), text);
      });

    for (const [what, from, to, verdict] of CHANGES)
      test(`M14: sent on by somebody who has changed ${what}: all of them say ${verdict}`, async () => {
        const { net, server, right } = get();
        const id = `changed-${what}@${server.identity.domain}`;
        const one = { what, body: ['Hello.'] };
        await hands(await server.client(587, server.demo), server.demo.user, READER, textOf(server.demo.user, READER, id, one));
        const text = await right.message(id);
        assert.match(text, from);
        const { smtp } = await Smtp.open(await net.people.dial({ host: right.host.addresses.v4, port: 25 }));
        await smtp.command('EHLO mail.raw.example');
        const changed = `X-Again: yes\n${text.replace(from, to)}`.replace(/\r?\n/g, '\r\n');
        await hands(smtp, server.demo.user, READER, changed);
        assert.deepEqual(await verdicts(right, await right.message('X-Again: yes\n')), unanimous(`${server.identity.domain} ${verdict}`));
        await right.host.must(['sh', '-c', 'rm $(grep -l "^X-Again" /srv/mail/new/*)']);
      });

    test('M14: our own vacation reply is signed', async () => {
      const { server, right } = get();
      const away = at(server, AWAY.user);
      await right.submit(READER, away, strangers(READER, away, 'asks@right.example'));
      const text = await right.message('I am on a journey.');
      assert.match(text, /^Return-path: <>$/m);
      assert.deepEqual(await verdicts(right, text), unanimous(`${server.identity.domain} pass`));
    });

    for (const [what, name] of [
      ['what Sieve redirects', FORWARDS.user],
      ['what strangers write to an alias', 'outward'],
    ] as const)
      test(`M14: not signed: ${what}, also where it bears our name`, async () => {
        const { server, right } = get();
        for (const from of [READER, server.demo.user]) {
          const id = `${name}-${from.split('@')[0]}@right.example`;
          await right.submit(READER, at(server, name), strangers(from, at(server, name), id));
          await isUnsigned(right, await right.message(id));
        }
      });

    test('M14: not signed: a notice of failure, and what a program on the machine sends in our name', async () => {
      const { server, right } = get();
      await using _raw = await outside(server.vantage.sockets, server.vantage.stranger);
      const lost = at(server, 'lost');
      await right.submit(READER, lost, strangers(READER, lost, 'lost@right.example'));
      const notice = await right.message('lost@right.example');
      assert.match(notice, /^Return-path: <>$/m);
      await isUnsigned(right, notice);
      const text = strangers(server.demo.user, READER, 'program@right.example');
      ok(await server.machine.run(['sendmail', '-i', '-f', server.demo.user, READER], { user: 'www-data', input: text }));
      await isUnsigned(right, await right.message('program@right.example'));
    });

    for (const family of ['v4', 'v6'] as const)
      test(`M16: no relay for strangers by IP${family}, in any syntax; an account is accepted`, async () => {
        const { net, server } = get();
        const way = { host: server.identity.addresses[family], localAddress: net.people.addresses[family] };
        const table = [
          ...relaysAt(server.identity.hostname, net.people.addresses.v4),
          ...RELAYS,
          ['by IPv6 literal of a stranger', `<friend@[IPv6:${net.people.addresses.v6}]>`],
        ] as const;
        for (const [how = '', path = ''] of table) {
          const written = path
            .replaceAll('hauspost.test', server.identity.domain)
            .replaceAll('house.example', server.identity.domain)
            .replaceAll('outside.test', 'right.example');
          const reply = await recipient(await server.stranger(way), written, FRIEND);
          assert.ok(reply.code >= 500, `${how}, ${written}: ${reply.code}`);
          isRefused(reply);
        }
        assert.equal((await recipient(await server.stranger(way), `<${server.demo.user}>`, FRIEND)).code, 250);
        const smtp = await server.stranger(way);
        assert.equal((await smtp.command(`MAIL FROM:<${FRIEND}> SMTPUTF8`)).code, 555);
        smtp.close();
      });

    for (const family of FAMILIES) {
      const strangers = {
        friend: `friend@raw-${family}.example`,
        by: `IP${family}`,
        way: () => ({ localAddress: get().net.people.addresses[family], host: get().server.identity.addresses[family] }),
      };
      smuggledIn(() => get().server, strangers);
      smuggledOut(() => get().server, strangers);
    }
  },
);
