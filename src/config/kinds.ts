/**
 * The kinds of value an option can have. A kind is a zod schema with its name and its range in words, so that a check and the
 * documentation cannot disagree. Text from the file is a stranger: control and invisible characters are refused before
 * anything else looks at it, so that no value can end the line of a daemon's configuration that it is written into.
 */
import { isIP, SocketAddress } from 'node:net';
import { HauspostError, type Megabytes, parseAbsPath, parseFqdn, parseMailAddress, parseMegabytes } from '#base';
import { z } from 'zod';
import { parseDuration } from './duration.ts';

export interface Kind<T> {
  /** Completes "must be": `a size, in quotes`. */
  readonly name: string;
  /** What is allowed, in words. */
  readonly allowed: string;
  readonly schema: z.ZodType<T>;
}

/** What zod carries from a parser that refused to the problem that the operator reads. */
export interface Refusal {
  readonly code: string;
  readonly remedy: string;
}

const refuse = (code: string, message: string, remedy: string): HauspostError => new HauspostError('operator', { code, message, remedy });

const plain = z.string().superRefine((value, context) => {
  // Cc: control characters, newline among them. Cf: invisible ones that reorder or hide text. Zl, Zp: Unicode's own line ends.
  const found = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.exec(value);
  if (found === null) return;
  const point = found[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  const params: Refusal = { code: 'config.control-character', remedy: 'Remove the control, invisible or newline character.' };
  context.addIssue({ code: 'custom', message: `holds the character U+${point}, which no option may hold`, params, continue: false });
});

/** A kind whose text is read by one of our parsers; what the parser says is what the operator reads. */
const parsed = <T>(name: string, allowed: string, parse: (text: string) => T): Kind<T> => ({
  name,
  allowed,
  schema: plain.transform((value, context): T => {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof HauspostError)) throw error;
      const params: Refusal = { code: error.code, remedy: error.remedy };
      context.addIssue({ code: 'custom', message: error.message, params });
      return z.NEVER;
    }
  }),
});

export const fqdn = parsed('a host name, in quotes', 'a host name of at least two labels', parseFqdn);
export const mailAddress = parsed('a mail address, in quotes', 'a mail address', parseMailAddress);
export const absPath = parsed('an absolute path, in quotes', 'an absolute path', parseAbsPath);

export const flag: Kind<boolean> = { name: 'true or false, without quotes', allowed: 'true or false', schema: z.boolean() };

const quoted = (values: readonly string[]): string => values.map((value) => `"${value}"`).join(' or ');

export const choice = <const T extends readonly [string, ...string[]]>(...values: T): Kind<T[number]> => ({
  name: `one of ${values.map((value) => `"${value}"`).join(', ')}`,
  allowed: quoted(values),
  schema: plain.pipe(z.enum(values)),
});

export const wholeNumber = (least: number, most: number): Kind<number> => ({
  name: 'a whole number, without quotes',
  allowed: `a whole number from ${least} to ${most}`,
  schema: z.int().min(least).max(most),
});

/** `least` and `most` as an operator writes them. `zero` says what "0" means, where it is allowed. */
export const size = (least: string, most: string, zero?: string): Kind<Megabytes> => {
  const [low, high] = [parseMegabytes(least), parseMegabytes(most)];
  const allowed = `a size from "${least}" to "${most}", in M, G or T${zero === undefined ? '' : `, or "0" for ${zero}`}`;
  return parsed('a size, in quotes', allowed, (text) => {
    if (/^[0-9]+$/.test(text) && text !== '0') throw refuse('input.size', `size "${text}" has no unit`, 'Write 50M or 2G.');
    const value = parseMegabytes(text);
    if (value === 0 && zero !== undefined) return value;
    if (value < low || value > high)
      throw refuse('config.out-of-range', `"${text}" is not between "${least}" and "${most}"`, `Write a size from ${least} to ${most}.`);
    return value;
  });
};

/** A duration that counts in whole `unit`s, from `least` to `most`, as an operator writes them; the value is in that unit. */
const duration = (unit: 'hours' | 'days', least: string, most: string): Kind<number> => {
  const seconds = unit === 'hours' ? 3_600 : 86_400;
  return parsed('a duration, in quotes', `a duration from "${least}" to "${most}", in whole ${unit}`, (text) => {
    const value = parseDuration(text) / seconds;
    const range = `Write a duration from ${least} to ${most}.`;
    if (value * seconds < parseDuration(least) || value * seconds > parseDuration(most)) {
      throw refuse('config.out-of-range', `"${text}" is not between "${least}" and "${most}"`, range);
    }
    if (!Number.isInteger(value)) throw refuse('config.out-of-range', `"${text}" is not a whole number of ${unit}`, range);
    return value;
  });
};

export const hours = (least: string, most: string): Kind<number> => duration('hours', least, most);
export const days = (least: string, most: string): Kind<number> => duration('days', least, most);

/** In the one spelling that inet_ntop(3) gives: `::1`, never `0:0::1`. No zone (`%eth0`), no prefix length, no port. */
const parseIp = (text: string): string => {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 0)
    throw refuse('input.ip-address', `${JSON.stringify(text)} is not an IP address`, 'Write an address such as 192.0.2.25 or 2001:db8::25.');
  return new SocketAddress({ address: text, family: version === 6 ? 'ipv6' : 'ipv4' }).address;
};

const ipAddress = parsed('an IP address, in quotes', 'an IP address', parseIp);

export const ipAddresses = (most: number): Kind<readonly string[]> => ({
  name: 'a list of IP addresses in quotes, in square brackets',
  allowed: `a list of 1 to ${most} IP addresses`,
  schema: z
    .array(ipAddress.schema)
    .min(1)
    .max(most)
    .superRefine((list, context) => {
      const twice = list.find((address, index) => list.indexOf(address) !== index);
      if (twice === undefined) return;
      const params: Refusal = { code: 'config.listed-twice', remedy: `Write ${twice} once.` };
      context.addIssue({ code: 'custom', message: `lists ${twice} twice`, params });
    }),
});
