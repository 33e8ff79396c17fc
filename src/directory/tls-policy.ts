/**
 * What one row of `tlspolicies` may say: how mail for a domain is encrypted on its way out (postconf(5), smtp_tls_policy_maps; TLS_README).
 * Postfix reads the row at delivery and defers all mail for the domain where it cannot make sense of it, so this is where mistakes are told.
 * `tafile` is not taken: smtp(8) is chrooted and would not find the file.
 */
import { type Domain, HauspostError, operatorError, parseDomain } from '#base';

/** A domain as it stands right of the `@`, or `.example.org` for all that are below it. */
export type PolicyDomain = Domain | `.${Domain}`;

export const POLICIES = ['none', 'may', 'encrypt', 'dane', 'dane-only', 'fingerprint', 'verify', 'secure'] as const;
export type Policy = (typeof POLICIES)[number];

export interface TlsPolicy {
  readonly domain: PolicyDomain;
  readonly policy: Policy;
  /** `name=value`, separated by single blanks. */
  readonly params: string | null;
}

/** A row as it stands: SQL writes there as well, and asks nobody. */
export interface TlsPolicyRow {
  readonly domain: string;
  readonly policy: string;
  readonly params: string | null;
}

const CAPACITY = 255;

export const parsePolicyDomain = (input: string): PolicyDomain =>
  /^\.[^.]/.test(input) ? (`.${parseDomain(input.slice(1))}` as const) : parseDomain(input);

const isPolicy = (word: string): word is Policy => POLICIES.some((each) => each === word);

export const parsePolicy = (input: string): Policy => {
  if (isPolicy(input)) return input;
  throw operatorError({
    code: 'tls-policy.unknown',
    message: `policy ${JSON.stringify(input.slice(0, 100))} is none that Postfix knows`,
    remedy: `Write one of ${POLICIES.join(', ')}.`,
    detail: { value: input.slice(0, 100) },
  });
};

interface Param {
  readonly fits: readonly Policy[];
  /** The whole value. */
  readonly value: RegExp;
  readonly write: string;
}

const ENCRYPTED: readonly Policy[] = ['may', 'encrypt', 'dane', 'dane-only', 'fingerprint', 'verify', 'secure'];

const NAME = String.raw`\.?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+`;
const list = (item: string, separator: string): RegExp => new RegExp(`^(?:${item})(?:${separator}(?:${item}))*$`, 'i');
const VERSION = 'SSLv2|SSLv3|TLSv1|TLSv1\\.[1-3]';

const NAMES: Param = {
  fits: ['verify', 'secure'],
  value: list(`hostname|nexthop|dot-nexthop|${NAME}`, ':'),
  write: 'names that the certificate may have, as in match=.example.net:mail.example.com',
};
const FINGERPRINTS: Param = {
  fits: ['fingerprint'],
  value: list('[0-9a-f]{2}(?::[0-9a-f]{2}){31}', '\\|'),
  write: 'SHA-256 fingerprints of 32 pairs of digits with colons between them, several with | between them',
};
const PARAMS: Readonly<Record<string, readonly Param[]>> = {
  match: [NAMES, FINGERPRINTS],
  protocols: [
    {
      fits: ENCRYPTED,
      value: list(`!?(?:${VERSION})|[<>]=(?:${VERSION})`, ':'),
      write: 'versions such as protocols=>=TLSv1.2 or protocols=!TLSv1:!TLSv1.1',
    },
  ],
  ciphers: [{ fits: ENCRYPTED, value: /^(?:medium|high)$/i, write: 'ciphers=medium or ciphers=high' }],
  exclude: [{ fits: ENCRYPTED, value: list('[a-z0-9][a-z0-9+_-]*', ':'), write: 'OpenSSL names such as exclude=AES128:SHA1' }],
  servername: [
    { fits: ENCRYPTED, value: new RegExp(`^(?:hostname|nexthop|${NAME})$`, 'i'), write: 'servername=hostname, servername=nexthop or a host name' },
  ],
  connection_reuse: [{ fits: ENCRYPTED, value: /^(?:yes|no)$/, write: 'connection_reuse=yes or connection_reuse=no' }],
};

const wrong = (what: string, remedy: string, value: string): Error =>
  operatorError({ code: 'tls-policy.params', message: `parameter ${what}`, remedy, detail: { value: value.slice(0, 300) } });

/** One `name=value` for this policy. */
const checkParam = (policy: Policy, word: string): void => {
  const shown = JSON.stringify(word.length > 80 ? `${word.slice(0, 77)}...` : word);
  const equals = word.indexOf('=');
  const known = equals < 0 || !Object.hasOwn(PARAMS, word.slice(0, equals)) ? [] : (PARAMS[word.slice(0, equals)] ?? []);
  if (known.length === 0)
    throw wrong(`${shown} is none that a policy has here`, `Write name=value with one of ${Object.keys(PARAMS).join(', ')}.`, word);
  const param = known.find(({ fits }) => fits.includes(policy));
  if (param === undefined) {
    const fits = [...new Set(known.flatMap((each) => each.fits))].join(', ');
    throw wrong(`${shown} has no meaning with policy ${policy}`, `Leave it out, or use one of the policies ${fits}.`, word);
  }
  if (!param.value.test(word.slice(equals + 1))) throw wrong(`${shown} has a value that Postfix would not understand`, `Write ${param.write}.`, word);
};

/** `words` in any order; `match` may be repeated, which Postfix takes as one list, anything else may not. */
export const parseParams = (policy: Policy, words: readonly string[]): string | null => {
  const seen = new Set<string>();
  for (const word of words) {
    checkParam(policy, word);
    const name = word.slice(0, word.indexOf('='));
    if (seen.has(name) && name !== 'match') throw wrong(`${JSON.stringify(name)} is there twice`, 'Write it once.', word);
    seen.add(name);
  }
  if (policy === 'fingerprint' && !seen.has('match'))
    throw wrong('"match" is needed with policy fingerprint', 'Add match=FINGERPRINT, the SHA-256 of the certificate.', '');
  const text = words.join(' ');
  if (text.length > CAPACITY) throw wrong(`list is ${text.length} characters long`, `The column params holds ${CAPACITY}.`, text);
  return text === '' ? null : text;
};

/** What `tls-policy set` would have against a row; undefined where nothing. Postfix takes commas for blanks (tls_policy_lookup_one). */
export const unusable = ({ policy, params }: TlsPolicyRow): string | undefined => {
  try {
    parseParams(
      parsePolicy(policy),
      (params ?? '').split(/[\s,]+/).filter((word) => word !== ''),
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof HauspostError)) throw error;
    return error.message;
  }
};
