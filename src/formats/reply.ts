/**
 * What name servers say, in whatever form it came. Records are in presentation form (RFC 1035 section 5.1); those of a type that we write ourselves
 * are read as `RecordData`.
 */
import type { RecordData } from './zone.ts';

export interface FoundRecord {
  /** Lower case, without the dot at its end; the root is `.`. An octet that is no letter, digit, `-` or `_` may stand as `\DDD`. */
  readonly name: string;
  /** Seconds: of a resolver, those that are left. */
  readonly ttl: number;
  readonly type: string;
  /** All behind the type, as dig(1) prints it. */
  readonly text: string;
  /** Undefined for types that are not ours to write. */
  readonly read: RecordData | undefined;
}

export interface Reply {
  readonly question: { readonly name: string; readonly type: string };
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`, ... */
  readonly status: string;
  /** `aa`: says so of its own zone; `ad`: validated. */
  readonly flags: ReadonlySet<string>;
  readonly answer: readonly FoundRecord[];
  readonly authority: readonly FoundRecord[];
  readonly additional: readonly FoundRecord[];
  /** What the server has against the signature of the question (RFC 8945 section 5.3): `BADKEY`, `BADSIG`, `BADTIME`; undefined where nothing. */
  readonly tsig: string | undefined;
}

/** As names are kept here. */
export const undotted = (name: string): string => (name === '.' ? name : name.replace(/\.$/, '').toLowerCase());

/** A word, or a string between double quotes with its quotes. */
const WORD = /"(?:[^"\\]|\\.)*"|(?:[^\s"\\]|\\.)+/g;

/** Of a word in presentation form. */
export const octetsOf = (written: string): Buffer =>
  Buffer.from(
    written.replace(/\\(?:(\d{3})|(.))/g, (_, code: string | undefined, itself: string) =>
      code === undefined ? itself : String.fromCharCode(Number(code)),
    ),
    'latin1',
  );

const unquoted = (word: string): Buffer => octetsOf(word.startsWith('"') ? word.slice(1, -1) : word);

/** The strings of a text are one text (RFC 7208 section 3.3, RFC 6376 section 3.6.2.2). */
const joined = (words: readonly string[]): string => Buffer.concat(words.map(unquoted)).toString();

const dataOf = (type: string, words: readonly string[]): RecordData | undefined => {
  const [first = '', second = '', third = '', fourth = ''] = words;
  switch (type) {
    case 'A':
    case 'AAAA':
      return { type, data: { address: first.toLowerCase() } };
    case 'CNAME':
    case 'PTR':
      return { type, data: { target: undotted(first) } };
    case 'MX':
      return { type, data: { preference: Number(first), exchange: undotted(second) } };
    case 'TXT':
      return { type, data: { text: joined(words) } };
    case 'SRV':
      return { type, data: { priority: Number(first), weight: Number(second), port: Number(third), target: undotted(fourth) } };
    case 'TLSA':
      // A long digest is printed in several words.
      return {
        type,
        data: { usage: Number(first), selector: Number(second), matching: Number(third), digest: words.slice(3).join('').toLowerCase() },
      };
    case 'CAA':
      return { type, data: { flags: Number(first), tag: second.toLowerCase(), value: unquoted(third).toString() } };
    default:
      return undefined;
  }
};

/** Names and the type as they are written: the name with or without its dot. */
export const foundRecord = ({ name, ttl, type, text }: Omit<FoundRecord, 'read'>): FoundRecord => ({
  ...{ name: undotted(name), ttl, type, text },
  read: dataOf(type, text.match(WORD) ?? []),
});
