/**
 * What dig(1) prints of replies, with `+noall +comments +question +answer +authority +additional`: any number of them, one after the other. Of
 * a question that nobody answered there is no block at all.
 */
import { type FoundRecord, foundRecord, type Reply, undotted } from './reply.ts';

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
  return [foundRecord({ name, ttl: Number(ttl), type, text })];
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
