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
  for (const line of [`MAIL FROM:<ada@${from}>`, 'RCPT TO:<demo@hauspost.test>']) assert.equal((await smtp.command(line)).code, 250, line);
  const { code } = await smtp.data(text);
  smtp.close();
  return code;
};

/** What fails SPF has four points and more (VIOLATED_DIRECT_SPF) and is told to come later; so it does. */
const send = async (server: Server, at: Partial<Target>, { from, spf }: Case, text: string): Promise<void> => {
  const first = await offered(server, at, from, text);
  if (spf !== 'fail' || first !== 451) return assert.equal(first, 250);
  await minutesPass(server.machine);
  assert.equal(await offered(server, at, from, text), 250);
};

/** `ways` are names of families, and where a client comes from. */
export const verified = (get: () => Server, ways: Readonly<Record<string, Partial<Target>>>): void => {
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
