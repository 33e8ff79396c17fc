/**
 * SPF (RFC 7208): whether a record lets this server send, in whatever words. Others who may send as well are the operator's business; that all may is
 * not. What its text does not show, such as where it leads to records of others, is left to what receivers make of it.
 */
import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Evaluated } from './check-host.ts';
import type { Ours } from './expectation.ts';
import type { Text } from './texts.ts';
import { absent, differs, inTheWay, RIGHT, type Verdict } from './verdict.ts';

/** Section 4.5: the version, and nothing or a blank behind it. */
const isSpf = ({ data }: Text): boolean => /^v=spf1(?: |$)/i.test(data.text);

const termsOf = ({ data }: Text): readonly string[] => data.text.trim().toLowerCase().split(/ +/).slice(1);

/** `ip4:192.0.2.0/24` */
const network = (term: string): string | undefined => /^\+?ip[46]:(.+)$/.exec(term)?.[1];

const within = (address: string, range: string): boolean => {
  const whole = range.includes('/') ? range : `${range}/${isIPv4(range) ? 32 : 128}`;
  if (!ipaddr.isValidCIDR(whole)) return false;
  const [parsed, [first, bits]] = [ipaddr.parse(address), ipaddr.parseCIDR(whole)];
  return parsed.kind() === first.kind() && parsed.match(first, bits);
};

/** Those that lead to the server's own addresses: by its name, by its being the domain's MX, by its own record. */
const namesHost = (term: string, name: string, hostname: string): boolean => {
  const bare = term.replace(/^\+/, '');
  return [`a:${hostname}`, `include:${hostname}`, 'mx', ...(name === hostname ? ['a'] : [])].includes(bare);
};

const addressesIn = (terms: readonly string[]): readonly string[] =>
  terms.flatMap((term) => {
    const range = network(term);
    return range === undefined ? [] : [range];
  });

/** What the record as printed lets send: by its name, and by addresses that nobody is led to. */
const lets = (found: readonly string[], wanted: readonly string[], name: string, { hostname, reached }: Ours): boolean => {
  const ranges = addressesIn(found);
  const listed = (address: string): boolean => ranges.some((range) => within(address, range));
  const host = found.some((term) => namesHost(term, name, hostname)) || [...reached.v4, ...reached.v6].every(listed);
  return host && addressesIn(wanted).every(listed);
};

const beforeAll = (terms: readonly string[]): readonly string[] => {
  const end = terms.findIndex((term) => /^[-+~?]?all$/.test(term));
  return end < 0 ? terms : terms.slice(0, end);
};

const isOpen = (terms: readonly string[]): boolean => terms.some((term) => term === 'all' || term === '+all');

/** Somebody may send: a term in front of `all` that refuses nobody, or a record that it leads to (section 6.1). */
const letsSomebody = (terms: readonly string[]): boolean =>
  beforeAll(terms).some((term) => !/^[-~?]/.test(term)) || terms.some((term) => term.startsWith('redirect='));

/** One address that it does not let send is enough: mail leaves by any of them. */
const judgeEvaluated = (wanted: Text, found: readonly Text[], evaluated: readonly Evaluated[]): Verdict => {
  const refused = evaluated.filter(({ result }) => result !== 'pass' && result !== 'unknown');
  if (refused.length > 0) return { ...absent([wanted], found), evaluated: refused };
  const unknown = evaluated.filter(({ result }) => result === 'unknown');
  return evaluated.length > 0 && unknown.length === 0
    ? differs([wanted], found)
    : { state: 'unevaluated', expected: [wanted], found, evaluated: unknown };
};

/** With two records nobody passes (section 4.5). */
export const judgeSpf = (name: string, wanted: Text, texts: readonly Text[], ours: Ours, evaluated: readonly Evaluated[] = []): Verdict => {
  const found = texts.filter(isSpf);
  const [first] = found;
  const exact = found.findIndex((each) => termsOf(each).join(' ') === termsOf(wanted).join(' '));
  if (found.length > 1) return inTheWay(exact < 0 ? found : found.filter((_, index) => index !== exact));
  if (exact === 0) return RIGHT;
  if (first === undefined || isOpen(termsOf(first))) return absent([wanted], found);
  if (lets(beforeAll(termsOf(first)), beforeAll(termsOf(wanted)), name, ours)) return differs([wanted], found);
  // Of a relay's addresses its provider alone knows; what it says to publish names none of ours.
  if (ours.relay !== null && letsSomebody(termsOf(first))) return differs([wanted], found);
  return judgeEvaluated(wanted, found, evaluated);
};
