/**
 * What receivers make of an SPF record that does not itself name this server, such as one that leads to a record for all domains of a company:
 * check_host() of RFC 7208, by mailauth, for each address that mail leaves by. The record is the one that was seen, which the resolver may not have yet;
 * all else is asked through the asker, of the machine's resolver. Nothing is asked by the library's own means.
 */
import type { RecordData } from '#formats';
import type { Asker } from '../asking.ts';
import { isTold, named } from '../cuts.ts';
import type { Ours } from './expectation.ts';

/** What comes of it for one address. */
export interface Evaluated {
  readonly address: string;
  /** RFC 7208 section 2.6; `unknown` where it could not be found out. */
  readonly result: 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'permerror' | 'unknown';
  /** Of an error, and where it could not be found out; otherwise empty. */
  readonly why: string;
}

/** RFC 7208 section 4.6.4: lookups that one evaluation may take, and those among them that may find nothing. With more it is a permerror. */
const LIMITS = { maxResolveCount: 10, maxVoidCount: 2 } as const;

/** What the library reads of an answer: of MX the two by these names, otherwise a string, or the strings of a text. */
type Answer = string | readonly string[] | { readonly exchange: string; readonly priority: number };

const answerOf = (record: RecordData): readonly Answer[] => {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return [record.data.address];
    case 'TXT':
      return [[record.data.text]];
    case 'MX':
      return [{ exchange: record.data.exchange, priority: record.data.preference }];
    case 'PTR':
      return [record.data.target];
    default:
      return [];
  }
};

/** By the codes of node:dns: `ENODATA` is a lookup that finds nothing, `ESERVFAIL` a temperror in these words (RFC 7208 section 5). */
const failed = (code: 'ENODATA' | 'ESERVFAIL', message: string): Error => Object.assign(new Error(message), { code });

type Resolver = (name: string, type: string) => Promise<Answer[]>;

/** Macros leave names as they are written, and a name has no case. Where it is an alias, the resolver has followed that. */
const resolverBy =
  (asker: Asker, domain: string, text: string): Resolver =>
  async (written, type) => {
    const name = written.toLowerCase();
    if (name === domain && type === 'TXT') return [[text]];
    const reply = await asker.one({ name, type });
    if (!isTold(reply)) throw failed('ESERVFAIL', `no answer about ${type} of ${name}`);
    const found = named(reply.answer, type).flatMap(({ read }) => (read === undefined ? [] : answerOf(read)));
    if (found.length === 0) throw failed('ENODATA', `no ${type} of ${name}`);
    return found;
  };

type Spf = typeof import('mailauth/lib/spf/index.js').spf;
type Result = Awaited<ReturnType<Spf>>;

/** The library's words on an error stand behind whom it was about. */
const wordsIn = ({ status: { comment = '' } }: Result, sender: string): string => comment.split(`${sender}: `).slice(1).join(`${sender}: `);

const whyOf = (result: Result, sender: string): string => {
  const { count = 0, void: empty = 0 } = result.lookups ?? {};
  if (count > LIMITS.maxResolveCount) return `it takes more than ${LIMITS.maxResolveCount} lookups, RFC 7208 section 4.6.4`;
  if (empty > LIMITS.maxVoidCount) return `more than ${LIMITS.maxVoidCount} of its lookups find nothing, RFC 7208 section 4.6.4`;
  return wordsIn(result, sender);
};

const outcomeOf = (result: Result, sender: string): Pick<Evaluated, 'result' | 'why'> => {
  const { status } = result;
  // In strict mode the whole sender stands here only if a macro asked for what is in front of the @ (RFC 7208 section 7.2: `s`, `l`).
  if (status.smtp?.mailfrom === sender) return { result: 'unknown', why: 'it goes by who in the domain writes' };
  switch (status.result) {
    case 'pass':
    case 'fail':
    case 'softfail':
    case 'neutral':
    case 'none':
      return { result: status.result, why: '' };
    case 'permerror':
      return { result: 'permerror', why: whyOf(result, sender) };
    default:
      return { result: 'unknown', why: wordsIn(result, sender) };
  }
};

/** Of each address that mail leaves by. `text`: the SPF record that was seen at `name`. */
export const checkHost = async (asker: Asker, name: string, text: string, ours: Ours): Promise<readonly Evaluated[]> => {
  // Loaded here: it takes a while, and most records say it themselves.
  const { spf } = await import('mailauth/lib/spf/index.js');
  // Its types leave out what it reads of MX records.
  const resolver = resolverBy(asker, name, text) as (name: string, type: string) => Promise<string[]>;
  const sender = `postmaster@${name}`;
  const fixed = { ...LIMITS, sender, helo: ours.hostname, mta: ours.hostname, resolver, strict: true };
  const addresses = [ours.reached, ours.sending].flatMap(({ v4, v6 }) => [...v4, ...v6]);
  return Promise.all(addresses.map(async (address) => ({ address, ...outcomeOf(await spf({ ...fixed, ip: address }), sender) })));
};
