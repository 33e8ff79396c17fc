/**
 * The kinds of value an option can have. A kind is a zod schema with its name and its range in words, so that a check and the
 * documentation cannot disagree. Text from the file is a stranger: control and invisible characters are refused before
 * anything else looks at it, so that no value can end the line of a daemon's configuration that it is written into.
 */
import { isIP, SocketAddress } from 'node:net';
import {
  type AbsPath,
  type Domain,
  HauspostError,
  type MailAddress,
  meantSize,
  type Megabytes,
  parseAbsPath,
  parseDomain,
  parseFqdn,
  parseMailAddress,
  parseMegabytes,
} from '#base';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { meantDuration, parseDuration } from './duration.ts';

export interface Kind<T> {
  /** Completes "must be": `a size, in quotes`. */
  readonly name: string;
  /** What is allowed, in words. */
  readonly allowed: string;
  readonly schema: z.ZodType<T>;
  /** The right form of a wrong value, which `schema` takes, where it can be told; `example` is the option's. */
  readonly meant?: (value: unknown, example: string) => string | undefined;
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

/** With a way to tell what somebody meant whose spelling is none of ours; what would be wrong as well is not suggested. */
const understanding = <T>(kind: Kind<T>, meant: (text: string, example: string) => string | undefined): Kind<T> => ({
  ...kind,
  meant: (value, example) => {
    if (typeof value !== 'string' && typeof value !== 'number') return undefined;
    const text = meant(String(value), example);
    return text !== undefined && kind.schema.safeParse(text).success ? text : undefined;
  },
});

export const fqdn = parsed('a host name, in quotes', 'a host name of at least two labels', parseFqdn);
export const absPath = parsed('an absolute path, in quotes', 'an absolute path', parseAbsPath);

/** For paths that daemons read themselves: Postfix cannot quote a blank or comma in a list, nginx no dollar sign, Dovecot 2.3 nothing at all. */
const parsePlainPath = (text: string): AbsPath => {
  const path = parseAbsPath(text);
  const found = /[^A-Za-z0-9_./@+-]/u.exec(path)?.[0];
  if (found === undefined) return path;
  throw refuse(
    'input.plain-path',
    `path ${JSON.stringify(text)} holds ${JSON.stringify(found)}, which not every daemon's configuration can hold`,
    'Name a path of letters, digits and . _ - + @ only; a link may lead from there to the file.',
  );
};
export const plainPath = parsed('an absolute path, in quotes', 'an absolute path of letters, digits and . _ - + @', parsePlainPath);

export const mailAddress = parsed('a mail address, in quotes', 'a mail address', parseMailAddress);

/** The one spelling of RFC 3986, without a login, a port of 443, or a fragment: it is handed to a program as one word. */
const parseHttpsUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === '' && /^[!-~]{1,500}$/.test(text)) return url.href;
  throw refuse(
    'input.url',
    `${JSON.stringify(text)} is not an address that begins with https://`,
    'Write one such as https://acme.example.org/directory.',
  );
};
export const httpsUrl = parsed('an address, in quotes', 'an address that begins with https://', parseHttpsUrl);

/** Stands between braces and left of an equals sign in a table within main.cf, which has no quotes (postconf(5), DATABASE_README). */
const parseResponsible = (text: string): MailAddress => {
  const address = parseMailAddress(text);
  const found = /[{}=]/.exec(address)?.[0];
  if (found === undefined) return address;
  throw refuse(
    'input.postmaster',
    `address ${JSON.stringify(text)} holds ${JSON.stringify(found)}, which Postfix' configuration cannot hold`,
    'Name another address; an alias may lead from there to this one.',
  );
};
export const responsible = parsed('a mail address, in quotes', 'a mail address without { } =', parseResponsible);

/** What stands before the colon of a login (RFC 4616 allows more; no provider does). */
const parseUserName = (text: string): string => {
  if (/^[!-9;-~]{1,128}$/.test(text)) return text;
  throw refuse(
    'input.user-name',
    `${JSON.stringify(text)} is not a name to log in with`,
    'Write 1 to 128 letters, digits and signs of ASCII, without blanks and colons.',
  );
};
export const userName = parsed('a name to log in with, in quotes', 'a name of 1 to 128 characters', parseUserName);

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
  const read = (text: string): Megabytes => {
    if (/^[0-9]+$/.test(text) && text !== '0') throw refuse('input.size', `size "${text}" has no unit`, 'Write 50M or 2G.');
    const value = parseMegabytes(text);
    if (value === 0 && zero !== undefined) return value;
    if (value < low || value > high)
      throw refuse('config.out-of-range', `"${text}" is not between "${least}" and "${most}"`, `Write a size from ${least} to ${most}.`);
    return value;
  };
  return understanding(parsed('a size, in quotes', allowed, read), meantSize);
};

type Unit = 'seconds' | 'hours' | 'days';
const SECONDS: Readonly<Record<Unit, number>> = { seconds: 1, hours: 3_600, days: 86_400 };

const rangeOf = (unit: Unit, least: string, most: string): string => `a duration from "${least}" to "${most}", in whole ${unit}`;

const parseWithin = (unit: Unit, least: string, most: string, text: string): number => {
  const value = parseDuration(text) / SECONDS[unit];
  const range = `Write a duration from ${least} to ${most}.`;
  if (value * SECONDS[unit] < parseDuration(least) || value * SECONDS[unit] > parseDuration(most)) {
    throw refuse('config.out-of-range', `"${text}" is not between "${least}" and "${most}"`, range);
  }
  if (!Number.isInteger(value)) throw refuse('config.out-of-range', `"${text}" is not a whole number of ${unit}`, range);
  return value;
};

/** A duration that counts in whole `unit`s, from `least` to `most`, as an operator writes them; the value is in that unit. */
const duration = (unit: Unit, least: string, most: string): Kind<number> =>
  understanding(
    parsed('a duration, in quotes', rangeOf(unit, least, most), (text) => parseWithin(unit, least, most, text)),
    meantDuration,
  );

export const seconds = (least: string, most: string): Kind<number> => duration('seconds', least, most);
export const hours = (least: string, most: string): Kind<number> => duration('hours', least, most);
export const days = (least: string, most: string): Kind<number> => duration('days', least, most);

/** How often, in whole days; the value is in seconds, of "never" null. */
export const period = (least: string, most: string): Kind<number | null> =>
  understanding(
    parsed('a duration or "never", in quotes', `${rangeOf('days', least, most)}, or "never"`, (text) =>
      text === 'never' ? null : parseWithin('days', least, most, text) * SECONDS.days,
    ),
    meantDuration,
  );

/** In the one spelling that inet_ntop(3) gives: `::1`, never `0:0::1`. No zone (`%eth0`), no prefix length, no port. */
const parseIp = (text: string): string => {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 0)
    throw refuse('input.ip-address', `${JSON.stringify(text)} is not an IP address`, 'Write an address such as 192.0.2.25 or 2001:db8::25.');
  return new SocketAddress({ address: text, family: version === 6 ? 'ipv6' : 'ipv4' }).address;
};

/** The IPv4 form of an address that IPv6 spells `::ffff:192.0.2.7` (RFC 4291, section 2.5.5.2). */
const unmapped = (address: string): string | undefined => {
  const form = ipaddr.parse(address);
  return form instanceof ipaddr.IPv6 && form.isIPv4MappedAddress() ? form.toIPv4Address().toString() : undefined;
};

const refuseMapped = (text: string, own: string): HauspostError =>
  refuse('config.mapped-address', `${JSON.stringify(text)} is IPv4 in the spelling of IPv6, which no client and no interface has`, `Write ${own}.`);

const parseOwnIp = (text: string): string => {
  const address = parseIp(text);
  const own = unmapped(address);
  if (own !== undefined) throw refuseMapped(text, own);
  return address;
};

const ipAddress = parsed('an IP address, in quotes', 'an IP address', parseOwnIp);

/** Where a server is reached that is not to be looked up in DNS. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/** An address, or one with a port behind a colon; of IPv6 then in brackets (RFC 3986, section 3.2.2). */
const parseServerAddress =
  (port: number) =>
  (text: string): ServerAddress => {
    const [, bracketed, dotted, given] = /^(?:\[([^\]]+)\]|([^:]+))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
    const server = { address: parseIp(bracketed ?? dotted ?? text), port: given === undefined ? port : Number(given) };
    const nobody = server.address === '0.0.0.0' || server.address === '::';
    if (nobody || server.port < 1 || server.port > 65_535 || (bracketed !== undefined && isIP(bracketed) === 4))
      throw refuse(
        'input.server-address',
        `${JSON.stringify(text)} is no address of a server`,
        'Write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353.',
      );
    return server;
  };

/** `port`: where none is written. */
export const serverAddress = (port: number): Kind<ServerAddress> =>
  parsed(
    'an IP address, in quotes, with a port if it is another than usual',
    'an IP address such as "192.0.2.53", or "[2001:db8::53]:5353" with a port',
    parseServerAddress(port),
  );

/** A list in which nothing stands twice. */
const list = <T extends string>(name: string, allowed: string, element: Kind<T>, least: number, most: number): Kind<readonly T[]> => ({
  name,
  allowed,
  schema: z
    .array(element.schema)
    .min(least)
    .max(most)
    .superRefine((values, context) => {
      const twice = values.find((value, index) => values.indexOf(value) !== index);
      if (twice === undefined) return;
      const params: Refusal = { code: 'config.listed-twice', remedy: `Write ${twice} once.` };
      context.addIssue({ code: 'custom', message: `lists ${twice} twice`, params });
    }),
});

const domain = parsed('a domain, in quotes', 'a domain', parseDomain);

export const domains = (most: number): Kind<readonly Domain[]> =>
  list('a list of domains in quotes, in square brackets', `a list of up to ${most} domains`, domain, 0, most);

export const ipAddresses = (most: number): Kind<readonly string[]> =>
  list('a list of IP addresses in quotes, in square brackets', `a list of 1 to ${most} IP addresses`, ipAddress, 1, most);

/** An address, or those that begin alike (RFC 4632), in one spelling: `2001:db8::/32`. */
const parseNetwork = (text: string): string => {
  const [written = '', prefix, ...more] = text.split('/');
  if (prefix === undefined) return parseOwnIp(written);
  const address = parseIp(written);
  const bits = ipaddr.parse(address).kind() === 'ipv4' ? 32 : 128;
  if (more.length > 0 || !/^[0-9]{1,3}$/.test(prefix) || Number(prefix) > bits || Number(prefix) === 0)
    throw refuse(
      'input.network',
      `${JSON.stringify(text)} is not a network`,
      `Write the length of its prefix, 1 to ${bits}: 192.0.2.0/24 or 2001:db8::/32.`,
    );
  const [own, length] = [unmapped(address), Number(prefix) - 96];
  if (own !== undefined && length >= 0) throw refuseMapped(text, length === 0 ? '0.0.0.0/1 and 128.0.0.0/1' : `${own}/${length}`);
  const first = (bits === 32 ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(`${address}/${prefix}`).toString();
  const network = `${parseIp(first)}/${Number(prefix)}`;
  if (first !== ipaddr.parse(address).toString())
    throw refuse('input.network', `${text} is an address within a network`, `Write ${network} for the network, or ${address} for the one address.`);
  return Number(prefix) === bits ? address : network;
};

const network = parsed('an IP address or network, in quotes', 'an IP address or network', parseNetwork);

export const networks = (most: number): Kind<readonly string[]> =>
  list('a list of IP addresses and networks in quotes, in square brackets', `a list of up to ${most} IP addresses and networks`, network, 0, most);

/** An octet of an answer: a number, or a choice of numbers and ranges in brackets (postconf(5), postscreen_dnsbl_sites). */
const OCTET = /^(?:\d{1,3}|\[\d{1,3}(?:\.\.\d{1,3})?(?:;\d{1,3}(?:\.\.\d{1,3})?)*\])$/;

/** A range that goes down ends postscreen(8) (ip_match.c). */
const isUpwards = (range: string): boolean => {
  const [low = 0, high = low] = range.split('..').map(Number);
  return low <= high && high <= 255;
};

/** `zone`, `zone=127.0.0.2`, `zone*3`, `zone=127.0.0.[2..11]*3`. */
const parseBlocklist = (text: string): string => {
  const no = (why: string): HauspostError =>
    refuse('input.blocklist', `${JSON.stringify(text)} ${why}`, 'Write zone=answer*points, such as zen.spamhaus.org=127.0.0.[2..11]*3.');
  const match = /^([^=*]+)(?:=([^=*]+))?(?:\*(-?[0-9]{1,3}))?$/.exec(text);
  if (match === null) throw no('is not of the form zone=answer*points');
  const [, zone = '', answer, points] = match;
  const octets = answer?.match(/\[[^\]]*\]|[^.]+/g) ?? [];
  const inRange = (octet: string): boolean => OCTET.test(octet) && (octet.match(/[\d.]+/g) ?? []).every(isUpwards);
  if (answer !== undefined && (octets.length !== 4 || octets.join('.') !== answer || !octets.every(inRange)))
    throw no('has an answer that is no IPv4 address, nor a pattern for one');
  if (points !== undefined && (Number(points) === 0 || Math.abs(Number(points)) > 100)) throw no('is worth neither 1 to 100 points nor -1 to -100');
  return `${parseFqdn(zone)}${answer === undefined ? '' : `=${answer}`}${points === undefined ? '' : `*${Number(points)}`}`;
};

const blocklist = parsed('a blocklist, in quotes', 'a blocklist', parseBlocklist);

export const blocklists = (most: number): Kind<readonly string[]> =>
  list('a list of blocklists in quotes, in square brackets', `a list of up to ${most} blocklists, each as "zone=answer*points"`, blocklist, 0, most);
