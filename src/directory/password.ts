/**
 * Passwords: what may be one, how it is stored, how one is made. Stored is Argon2id in the text form of the PHC string format behind Dovecot's
 * scheme name, which both Dovecots verify (RFC 9106). 19 MiB and two passes, OWASP's first choice: strong enough, while a burst of logins on a
 * small machine stays within the memory of Dovecot's auth workers. The text of a password is never part of an error.
 */
import { argon2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { operatorError } from '#base';

declare const brand: unique symbol;
/** What is in the column `password`: `{SCHEME}` and a hash. */
export type PasswordHash = string & { readonly [brand]: 'PasswordHash' };

const MEMORY_KIB = 19_456;
const PASSES = 2;
/** libsodium, which Dovecot verifies with, knows one lane only. */
const LANES = 1;

const derive = promisify(argon2);

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

const refuse = (code: string, message: string, remedy: string): never => {
  throw operatorError({ code, message, remedy });
};

/** As NIST SP 800-63B, section 5.1.1.2, asks for. A short one on a mail server is found by those who try them all, and then sends their spam. */
const LEAST = 8;

/** 8 characters to 255 octets of UTF-8 without control characters: what IMAP and SMTP can carry in any mechanism. */
export const hashPassword = async (password: string): Promise<PasswordHash> => {
  const octets = Buffer.from(password, 'utf8');
  if (octets.length === 0) refuse('input.password', 'the password is empty', 'Write one on a single line.');
  if ([...password].length < LEAST)
    refuse('input.password', `the password has fewer than ${LEAST} characters`, `Write one of ${LEAST} or more; without one given it is generated.`);
  if (octets.length > 255) refuse('input.password', 'the password is longer than 255 octets', 'Write a shorter one.');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(password)) refuse('input.password', 'the password holds a control character', 'Write it without.');
  const nonce = randomBytes(16);
  const tag = await derive('argon2id', { message: octets, nonce, parallelism: LANES, tagLength: 32, memory: MEMORY_KIB, passes: PASSES });
  return `{ARGON2ID}$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(nonce)}$${unpadded(tag)}` as PasswordHash;
};

const ARGON2 = '\\$v=19\\$m=\\d+,t=\\d+,p=\\d+\\$[A-Za-z0-9+/]{11,}\\$[A-Za-z0-9+/]{43,}';
const CRYPT = '(rounds=\\d+\\$)?[./A-Za-z0-9]{1,16}\\$[./A-Za-z0-9]';
const BASE64 = '[A-Za-z0-9+/]';

/**
 * Schemes that both Dovecots verify for PLAIN and LOGIN and that keep the password secret (`doveadm pw -l`), and what follows them: nobody
 * could ever log in with anything else. A salt of SSHA is four octets at least.
 */
const SCHEMES: Readonly<Record<string, RegExp>> = {
  ARGON2ID: new RegExp(`^\\$argon2id${ARGON2}$`),
  ARGON2I: new RegExp(`^\\$argon2i${ARGON2}$`),
  'BLF-CRYPT': /^\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}$/,
  'SHA512-CRYPT': new RegExp(`^\\$6\\$${CRYPT}{86}$`),
  'SHA256-CRYPT': new RegExp(`^\\$5\\$${CRYPT}{43}$`),
  PBKDF2: /^\$1\$[^$]+\$\d+\$[0-9a-f]{40}$/,
  SSHA512: new RegExp(`^${BASE64}{91,}={0,2}$`),
  SSHA256: new RegExp(`^${BASE64}{48,}={0,2}$`),
  'SCRAM-SHA-256': new RegExp(`^\\d+,${BASE64}+=*,${BASE64}{43}=,${BASE64}{43}=$`),
};

/** A hash made elsewhere, `{SCHEME}` in front; at most 255 characters. */
export const parsePasswordHash = (input: string): PasswordHash => {
  const [, scheme = '', hash = ''] = /^\{([A-Za-z0-9-]+)\}([!-~]+)$/.exec(input) ?? [];
  if (scheme === '' || input.length > 255)
    refuse('input.password-hash', 'the password hash is not of the form {SCHEME}hash', 'Write one as `doveadm pw` prints it.');
  const form = SCHEMES[scheme.toUpperCase()];
  if (form === undefined)
    refuse('input.password-hash', `the password scheme {${scheme.slice(0, 40)}} is not accepted`, `Use one of ${Object.keys(SCHEMES).join(', ')}.`);
  else if (!form.test(hash))
    refuse('input.password-hash', `what follows {${scheme}} is no hash of that scheme`, 'Write it whole, as `doveadm pw` prints it.');
  return input as PasswordHash;
};

/** Crockford's base32 in lower case: no i, l, o, u. Five bits each. */
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';

/** A password to be read and typed: four groups of five, 100 bits. */
export const generatePassword = (): string => {
  const letters = Array.from(randomBytes(20), (octet) => LETTERS.charAt(octet & 31)).join('');
  return (letters.match(/.{5}/g) ?? []).join('-');
};
