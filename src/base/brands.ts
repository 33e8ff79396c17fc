/**
 * Values that carry a rule. Each brand is made by its parser only; a parser answers with the value in canonical form or with
 * an operator error that names the input. Addresses are ASCII: internationalised domains are stored as A-labels (RFC 5890),
 * local parts are the dot-string of RFC 5321 section 4.1.2, lower case.
 */
import { domainToASCII, domainToUnicode } from 'node:url';
import { operatorError } from './errors.ts';
import { lookAlike } from './look-alikes.ts';

declare const brand: unique symbol;
/** Names as keys, so that a brand on top of another is both of them, and not never. */
type Brand<T, Name extends string> = T & { readonly [brand]: { readonly [N in Name]: true } };

/** A domain name of at least two labels, lower case, A-labels, no trailing dot; at most 253 octets (RFC 1035 2.3.4). */
export type Domain = Brand<string, 'Domain'>;
/** A fully qualified host name: a `Domain` that names a machine. */
export type Fqdn = Brand<Domain, 'Fqdn'>;
/**
 * Left of the `@`: 1 to 64 octets, no `+` (that is the tag delimiter), no `*` and `?` (to Dovecot's tools they stand for other names), no `-` in
 * front (which Postfix takes for an option: `allow_min_user`).
 */
export type LocalPart = Brand<string, 'LocalPart'>;
/** `local@domain`, lower case, at most 254 octets (RFC 5321 4.5.3.1.3, less the angle brackets). */
export type MailAddress = Brand<string, 'MailAddress'>;
/** Absolute, normalised, no `..`, no NUL, no newline. */
export type AbsPath = Brand<string, 'AbsPath'>;
/** A whole number of MB (2^20 octets), 0 for unlimited. */
export type Megabytes = Brand<number, 'Megabytes'>;

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ATOM = /^[a-z0-9!#$%&'*/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*/=?^_`{|}~-]+)*$/;

const show = (input: string): string => JSON.stringify(input.length > 80 ? `${input.slice(0, 77)}...` : input);

const refuse = (code: string, what: string, input: string, why: string, remedy: string): never => {
  throw operatorError({ code, message: `${what} ${show(input)} ${why}`, remedy, detail: { value: input.slice(0, 300) } });
};

const parseName = (input: string, what: string, remedy: string): Domain => {
  const no = (why: string): never => refuse('input.domain', what, input, why, remedy);
  if (input.endsWith('.')) no('ends with a dot');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u0020\u007f@/\\:?#[\]%<>^|]/.test(input)) no('holds a character that no domain name has');
  const ascii = domainToASCII(input.normalize('NFC')).toLowerCase();
  if (ascii === '') no('is not a valid domain name');
  if (ascii.length > 253) no('is longer than 253 characters');
  const labels = ascii.split('.');
  if (ascii.includes('_')) no("holds '_', which no mail domain has");
  if (labels.length < 2) no('has only one label');
  if (!labels.every((label) => LABEL.test(label))) no('has a label that is empty, too long, or holds a wrong character');
  if (/^[0-9]+$/.test(labels.at(-1) ?? '')) no('ends in a number, as an IP address does');
  // An A-label that stands for nothing, or not in this spelling (RFC 5890, section 2.3.2.1), is left as it is.
  const wrong = labels.find((label) => label.startsWith('xn--') && domainToUnicode(label) === label);
  if (wrong !== undefined) no(`has the label ${show(wrong)}, which begins like a name in another script and is none`);
  const alike = lookAlike(input, labels);
  if (alike !== undefined) no(alike);
  return ascii as Domain;
};

export const parseDomain = (input: string): Domain => parseName(input, 'domain', 'Write a domain such as example.org.');

export const parseFqdn = (input: string): Fqdn => parseName(input, 'host name', 'Write a full name such as mail.example.org.') as Fqdn;

export const parseLocalPart = (input: string): LocalPart => {
  const no = (why: string): never =>
    refuse('input.local-part', 'local part', input, why, "Use letters, digits, and . _ - (at most 64 characters) left of the '@'.");
  if (input === '') no('is empty');
  if (input.length > 64) no(`is longer than 64 characters (${input.length})`);
  if (input.includes('+')) no("holds '+', which starts a tag; user+tag@ reaches user@ without an account of its own");
  const lower = input.toLowerCase();
  if (/^\.|\.\.|\.$/.test(input)) no('begins or ends with a dot, or holds two in a row');
  if (!ATOM.test(lower) || /[^ -~]/.test(input)) no('holds a character that is not allowed');
  if (/['"`\\%/!]/.test(lower)) no('holds a quote, a slash, a percent sign or an exclamation mark'); // the last two route mail in Postfix
  if (lower.startsWith('-')) no('begins with a hyphen'); // refused by Postfix as an option's beginning (postconf(5), allow_min_user)
  if (/[*?]/.test(lower)) no("holds '*' or '?', which stand for other characters");
  return lower as LocalPart;
};

export const splitAddress = (address: MailAddress): { readonly local: LocalPart; readonly domain: Domain } => {
  const at = address.lastIndexOf('@');
  return { local: address.slice(0, at) as LocalPart, domain: address.slice(at + 1) as Domain };
};

export const parseMailAddress = (input: string): MailAddress => {
  const at = input.lastIndexOf('@');
  if (at < 0 || at === input.length - 1)
    refuse('input.address', 'address', input, "has no '@domain'", 'Write a whole address such as user@example.org.');
  const address = `${parseLocalPart(input.slice(0, at))}@${parseDomain(input.slice(at + 1))}`;
  if (address.length > 254) refuse('input.address', 'address', input, 'is longer than 254 characters', 'Use a shorter one.');
  return address as MailAddress;
};

export const parseAbsPath = (input: string): AbsPath => {
  const no = (why: string): never => refuse('input.path', 'path', input, why, 'Write an absolute path such as /etc/ssl/mail.pem.');
  if (!input.startsWith('/')) no("does not start with '/'");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(input)) no('holds a control character');
  if (input.split('/').includes('..')) no("holds '..'");
  return (input
    .replace(/\/+/g, '/')
    .replace(/\/\.(?=\/|$)/g, '')
    .replace(/(.)\/$/, '$1') || '/') as AbsPath;
};

/** For constants of the program: `path('/etc/postfix')`. */
export const path = (literal: string): AbsPath => parseAbsPath(literal);

const UNIT: Readonly<Record<string, number>> = {
  '': 1,
  m: 1,
  mb: 1,
  mib: 1,
  g: 1024,
  gb: 1024,
  gib: 1024,
  t: 1024 * 1024,
  tb: 1024 * 1024,
  tib: 1024 * 1024,
};

/** Octets of a MB. */
const MB = 1_048_576;

/** The right form of what somebody wrote who meant a size: `1.5 GB` is `1536M`, `2 gigabytes` `2G`, 52428800 (Postfix counts octets) `50M`. Undefined: not to be told. */
export const meantSize = (input: string): string | undefined => {
  const match =
    /^([0-9]{1,12})(?:[.,]([0-9]{1,3}))?\s*(?:(b|octets?|bytes?)|([kmgt])(?:i?b|bytes?|ilobytes?|egabytes?|igabytes?|erabytes?)?)?$/i.exec(
      input.trim(),
    );
  if (match === null) return undefined;
  const [, whole = '', part, octets, letter] = match;
  const count = Number(`${whole}.${part ?? '0'}`);
  const unit = letter?.toLowerCase();
  if (unit !== undefined && unit !== 'k' && part === undefined) return `${whole}${unit.toUpperCase()}`;
  if (unit === undefined && octets === undefined && count < MB) return `${whole}M`;
  const mb = unit === undefined ? count / MB : unit === 'k' ? count / 1024 : count * (UNIT[unit] ?? Number.NaN);
  return mb >= 1 ? `${Math.round(mb)}M` : undefined;
};

/** We stop at 1 PB; the column is `int unsigned`. */
const MOST_MB = 1024 * 1024 * 1024;

/** NaN: no size of ours. */
const megabytesIn = (input: string): number => {
  const match = /^([0-9]{1,10}) ?([A-Za-z]{0,3})$/.exec(input);
  const unit = UNIT[(match?.[2] ?? 'x').toLowerCase()];
  return match?.[1] === undefined || unit === undefined ? Number.NaN : Number(match[1]) * unit;
};

/** `500M`, `2G`, `1 T`, or a bare number of MB. */
export const parseMegabytes = (input: string): Megabytes => {
  const mb = megabytesIn(input);
  if (mb <= MOST_MB) return mb as Megabytes;
  const meant = meantSize(input);
  const instead = meant !== undefined && megabytesIn(meant) <= MOST_MB ? meant : '500M, 2G';
  return refuse('input.quota', 'size', input, 'is not a whole number of M, G or T, up to 1024T', `Write ${instead}, or 0 for unlimited.`);
};
