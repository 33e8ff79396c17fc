/**
 * What dig(1) prints of replies, with `+noall +comments +question +answer +authority +additional`: any number of them, one after the other. Records
 * are in presentation form (RFC 1035 section 5.1); those of a type that we write ourselves are read as `RecordData`. Of a question that nobody
 * answered there is no block at all.
 */
import type { RecordData } from './zone.ts';

export interface FoundRecord {
  /** Lower case, without the dot at its end; the root is `.`. An octet that is no letter, digit, `-` or `_` may stand as `\DDD`. */
  readonly name: string;
  /** Seconds: of a resolver, those that are left. */
  readonly ttl: number;
  readonly type: string;
  /** All behind the type, as printed. */
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

const octetsOf = (written: string): Buffer =>
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

/** Name of the key, algorithm, time, fudge, length of the signature, which may be none, identifier, error. */
const TSIG = /^\S+\s+0\s+ANY\s+TSIG\s+\S+ \d+ \d+ \d+ (?:\S+ )?\d+ (\w+) \d+/m;

/** Of a reply as dig(1) and nsupdate(1) print it; undefined also where it is not signed. */
export const tsigErrorIn = (block: string): string | undefined => {
  const error = TSIG.exec(block)?.[1];
  return error === 'NOERROR' ? undefined : error;
};

/** `NAME TTL IN TYPE VALUE`, with tabs or blanks between. */
const RECORD = /^(\S+)\s+(\d+)\s+IN\s+(\S+)\s*(.*)$/;

const recordOf = (line: string): readonly FoundRecord[] => {
  const [, name, ttl, type = '', text = ''] = RECORD.exec(line) ?? [];
  if (name === undefined) return [];
  return [{ name: undotted(name), ttl: Number(ttl), type, text, read: dataOf(type, text.match(WORD) ?? []) }];
};

const QUESTION = /^;(\S+)\s+IN\s+(\S+)$/;

const sectionsOf = (block: string): ReadonlyMap<string, readonly string[]> => {
  const parts = block.split(/^;; (\w+) SECTION:$/m);
  return new Map(parts.flatMap((name, index) => (index % 2 === 1 ? [[name, (parts[index + 1] ?? '').split('\n')] as const] : [])));
};

const replyOf = (block: string): readonly Reply[] => {
  const status = /^opcode: \w+, status: (\w+),/.exec(block)?.[1] ?? '';
  const flags = /^;; flags: ?([a-z ]*);/m.exec(block)?.[1] ?? '';
  const sections = sectionsOf(block);
  const records = (section: string): readonly FoundRecord[] => (sections.get(section) ?? []).flatMap(recordOf);
  return (sections.get('QUESTION') ?? []).flatMap((line) => {
    const [, name, type = ''] = QUESTION.exec(line) ?? [];
    if (name === undefined) return [];
    const question = { name: undotted(name), type };
    return [
      {
        ...{ question, status, flags: new Set(flags.split(' ').filter((flag) => flag !== '')) },
        ...{ answer: records('ANSWER'), authority: records('AUTHORITY'), additional: records('ADDITIONAL') },
        tsig: tsigErrorIn(block),
      },
    ];
  });
};

export const parseDig = (stdout: string): readonly Reply[] =>
  stdout
    .split(/^;; ->>HEADER<<- /m)
    .slice(1)
    .flatMap(replyOf);
