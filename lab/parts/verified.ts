/**
 * M1: what Authentication-Results says of a sender (RFC 8601), for each of SPF, DKIM and DMARC that it holds and that it does not. All of
 * it arrives, in Spam where the domain asks for `quarantine` or `reject`. The signer is mailauth's, which is not what verifies here.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { dated } from '../dated.ts';
import { minutesPass } from '../greylisting.ts';
import { fetched, type NameRecord, type Server, type Target } from '../index.ts';

const SELECTOR = 'lab';
const KEY = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PUBLISHED = `v=DKIM1; k=rsa; p=${KEY.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;

/** What each domain says of SPF; all but plain.test want to hear of forgeries, and publish the key. */
const POLICIES: Readonly<Record<string, string | undefined>> = {
  'signed.test': 'v=spf1 mx:outside.test -all',
  'strict.test': 'v=spf1 -all',
  'soft.test': 'v=spf1 ~all',
  'files.test': 'v=spf1 ~all',
  'refuses.test': 'v=spf1 ~all',
  'plain.test': undefined,
};

/** What a domain asks receivers to do with what fails DMARC, where it is more than to tell. */
const ASKED: Readonly<Record<string, 'quarantine' | 'reject'>> = { 'files.test': 'quarantine', 'refuses.test': 'reject' };

export const VERIFIED_RECORDS: readonly NameRecord[] = Object.entries(POLICIES).flatMap(([name, spf]): readonly NameRecord[] => [
  { name, type: 'MX', data: '10 mail.outside.test' },
  ...(spf === undefined
    ? []
    : ([
        { name, type: 'TXT', data: spf },
        { name: `_dmarc.${name}`, type: 'TXT', data: `v=DMARC1; p=${ASKED[name] ?? 'none'}` },
        { name: `${SELECTOR}._domainkey.${name}`, type: 'TXT', data: PUBLISHED },
      ] as const)),
]);

interface Case {
  readonly what: string;
  readonly from: string;
  /** Whose signature; none without it. */
  readonly signer?: string;
  readonly selector?: string;
  /** Changed on the way, after it was signed. */
  readonly changed?: 'body' | 'subject';
  readonly spf: string;
  readonly dkim: string;
  readonly dmarc: string;
}

const CASES: readonly Case[] = [
  { what: 'sent from where it may be, and signed', from: 'signed.test', signer: 'signed.test', spf: 'pass', dkim: 'pass', dmarc: 'pass' },
  { what: 'the same, not signed', from: 'signed.test', spf: 'pass', dkim: 'none', dmarc: 'pass' },
  { what: 'another body than was signed', from: 'signed.test', signer: 'signed.test', changed: 'body', spf: 'pass', dkim: 'fail', dmarc: 'pass' },
  { what: 'another subject', from: 'signed.test', signer: 'signed.test', changed: 'subject', spf: 'pass', dkim: 'fail', dmarc: 'pass' },
  { what: 'from where it may not be', from: 'strict.test', spf: 'fail', dkim: 'none', dmarc: 'fail' },
  { what: 'from where it may not be, but signed', from: 'strict.test', signer: 'strict.test', spf: 'fail', dkim: 'pass', dmarc: 'pass' },
  { what: 'nothing is right', from: 'strict.test', signer: 'strict.test', changed: 'body', spf: 'fail', dkim: 'fail', dmarc: 'fail' },
  { what: 'from where it had better not be', from: 'soft.test', spf: 'softfail', dkim: 'none', dmarc: 'fail' },
  { what: "with somebody else's signature", from: 'soft.test', signer: 'signed.test', spf: 'softfail', dkim: 'pass', dmarc: 'fail' },
  // RFC 8601, section 2.7.1, has a word of its own for it, permerror; Rspamd says `none ("invalid DKIM record")`.
  { what: 'by a key that nobody knows', from: 'soft.test', signer: 'soft.test', selector: 'lost', spf: 'softfail', dkim: 'none', dmarc: 'fail' },
  ...Object.keys(ASKED).flatMap((from): readonly Case[] => [
    { what: 'from where it had better not be', from, spf: 'softfail', dkim: 'none', dmarc: 'fail' },
    { what: 'from there, and signed', from, signer: from, spf: 'softfail', dkim: 'pass', dmarc: 'pass' },
  ]),
  { what: 'a domain that says nothing', from: 'plain.test', spf: 'none', dkim: 'none', dmarc: 'none' },
];

const signedBy = async (text: string, domain: string, selector: string): Promise<string> => {
  const privateKey = KEY.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const one = { signingDomain: domain, selector, privateKey, algorithm: 'rsa-sha256', canonicalization: 'relaxed/relaxed' };
  const { signatures, errors } = await dkimSign(text, { ...one, signatureData: [one] });
  assert.notEqual(signatures, '');
  assert.deepEqual(errors, []);
  return signatures + text;
};

const messageOf = async ({ from, signer, selector = SELECTOR, changed }: Case, id: string): Promise<string> => {
  const head = [`From: Ada <ada@${from}>`, 'To: <demo@hauspost.test>', `Message-ID: ${id}`, dated(), 'Subject: Tea on Sunday'];
  const mime = ['MIME-Version: 1.0', 'Content-Type: text/plain; charset=us-ascii'];
  const text = [...head, ...mime, '', `Hello, will you come for tea on Sunday? (${id})`, ''].join('\r\n');
  const signed = signer === undefined ? text : await signedBy(text, signer, selector);
  if (changed === undefined) return signed;
  return changed === 'body' ? signed.replace('come for tea', 'pay for tea') : signed.replace('Subject: Tea', 'Subject: Money');
};

const offered = async (server: Server, at: Partial<Target>, from: string, text: string): Promise<number> => {
  const smtp = await server.stranger(at);
  for (const line of [`MAIL FROM:<${from}>`, 'RCPT TO:<demo@hauspost.test>']) assert.equal((await smtp.command(line)).code, 250, line);
  const { code } = await smtp.data(text);
  smtp.close();
  return code;
};

/** What fails SPF has four points and more (VIOLATED_DIRECT_SPF) and is told to come later; so it does. */
const send = async (server: Server, at: Partial<Target>, { from, spf }: Case, text: string): Promise<void> => {
  const first = await offered(server, at, `ada@${from}`, text);
  if (spf !== 'fail' || first !== 451) return assert.equal(first, 250);
  await minutesPass(server.machine);
  assert.equal(await offered(server, at, `ada@${from}`, text), 250);
};

/** As Postfix and Exim send it, of refuses.test, unsigned; `header` is that of what comes back. */
const report = (id: string, from: string, header: string): string =>
  [
    `From: Mail Delivery System <${from}@refuses.test>`,
    ...['To: <demo@hauspost.test>', `Message-ID: ${id}`, dated(), 'Subject: Undelivered Mail Returned to Sender', 'Auto-Submitted: auto-replied'],
    ...['MIME-Version: 1.0', 'Content-Type: multipart/report; report-type=delivery-status;', '\tboundary="part"', ''],
    ...['--part', 'Content-Type: text/plain; charset=us-ascii', '', `Your message could not be delivered (${id}).`, ''],
    ...['--part', 'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mail.refuses.test', ''],
    ...['Final-Recipient: rfc822; friend@refuses.test', 'Action: failed', 'Status: 5.1.1', ''],
    ...['--part', 'Content-Type: text/rfc822-headers', '', header, '', '--part--', ''],
  ].join('\r\n');

const comesBack = (get: () => Server, at: Partial<Target>): void => {
  test('M1: a report that brings back what people sent is in INBOX, also where its domain asks for `reject`; another message of that domain is in Spam', async () => {
    const server = get();
    const smtp = await server.client(587, server.demo);
    const own = ['From: <demo@hauspost.test>', 'To: <demo@hauspost.test>', 'Subject: Tea', 'Message-ID: <tea@hauspost.test>', dated()];
    for (const line of ['MAIL FROM:<demo@hauspost.test>', 'RCPT TO:<demo@hauspost.test>']) assert.equal((await smtp.command(line)).code, 250);
    assert.equal((await smtp.data([...own, '', 'Will you come?', ''].join('\r\n'))).code, 250);
    smtp.close();
    const imap = await server.imap(server.demo);
    const [sent = ''] = (await fetched(imap, 'INBOX', '<tea@hauspost.test>')).split('\r\n\r\n');
    const untraced = sent.replace(/^Received:.*\r\n(?:[ \t].*\r\n)*/gim, '');
    const bare = untraced.replace(/^DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*/gim, '');
    assert.ok(bare.length < untraced.length && untraced.length < sent.length, sent);
    for (const [number, [folder, from, header]] of (
      [
        ['INBOX', 'MAILER-DAEMON', sent],
        ['INBOX', 'postmaster', untraced],
        ['Spam', 'MAILER-DAEMON', bare],
        ['Spam', 'service', sent],
      ] as const
    ).entries()) {
      const id = `<report-${number}@refuses.test>`;
      assert.equal(await offered(server, at, '', report(id, from, header)), 250);
      const got = await fetched(imap, folder, id);
      assert.match(got, /\bdmarc=fail\b/);
    }
    await imap.logout();
  });
};

/** `ways` are names of families, and where a client comes from. */
export const verified = (get: () => Server, ways: Readonly<Record<string, Partial<Target>>>): void => {
  for (const at of Object.values(ways).slice(0, 1)) comesBack(get, at);
  for (const [family, at] of Object.entries(ways)) {
    for (const [number, each] of CASES.entries()) {
      const { what, from, spf, dkim, dmarc } = each;
      const folder = dmarc === 'fail' && ASKED[from] !== undefined ? 'Spam' : 'INBOX';
      test(`M1: by ${family}, ${from}, ${what}: spf=${spf}, dkim=${dkim}, dmarc=${dmarc}, in ${folder}`, async () => {
        const server = get();
        const id = `<verified-${family}-${number}@${from}>`;
        await send(server, at, each, await messageOf(each, id));
        const imap = await server.imap(server.demo);
        const got = await fetched(imap, folder, id);
        await imap.logout();
        const fields = got.match(/^Authentication-Results:(?:.*\r\n)(?:[ \t].*\r\n)*/gim) ?? [];
        assert.equal(fields.length, 1);
        const [field = ''] = fields;
        assert.ok(field.includes(`${server.vantage.hostname};`), field);
        const found = ['spf', 'dkim', 'dmarc'].map((name) => new RegExp(`(?:^|[\\s;])${name}=(\\w+)`).exec(field)?.[1]);
        assert.deepEqual(found, [spf, dkim, dmarc], field);
        if (dkim === 'pass') assert.ok(field.includes(`header.d=${each.signer}`), field);
      });
    }
  }
};
