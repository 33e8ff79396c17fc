/**
 * Whether this server's own addresses are on the lists that it asks about others (RFC 5782): who asks the same lists refuses what it sends. Lists
 * of those to be trusted, which are worth negative points, are not asked.
 */
import type { Addresses, Finding } from '#model';
import { reversed } from './reverse.ts';

/** One question: whether a list has an address. */
export interface ListQuestion {
  readonly address: string;
  readonly list: string;
  /** An A record here says yes, a TXT record why. */
  readonly name: string;
  /** Whether such an answer counts. */
  readonly counts: (answer: string) => boolean;
}

export interface Listing {
  readonly question: ListQuestion;
  /** Addresses that the list answered with; none: it does not have the address. */
  readonly answers: readonly string[];
  /** In the list's words. */
  readonly words: string;
}

/** A number, or some of numbers and ranges in brackets (postconf(5), postscreen_dnsbl_sites). */
const octetMatches = (pattern: string, octet: number): boolean =>
  pattern
    .replace(/[[\]]/g, '')
    .split(';')
    .some((part) => {
      const [from = '', to = from] = part.split('..');
      return octet >= Number(from) && octet <= Number(to);
    });

const matcher = (filter: string | undefined): ((answer: string) => boolean) => {
  if (filter === undefined) return () => true;
  const patterns = filter.match(/\[[^\]]*\]|[^.]+/g) ?? [];
  return (answer) => answer.split('.').every((octet, place) => octetMatches(patterns[place] ?? '', Number(octet)));
};

/** `sites` as `incoming.dnsbl` has them: `zone=answer*points`. */
export const listQuestions = ({ v4, v6 }: Addresses, sites: readonly string[]): readonly ListQuestion[] =>
  sites.flatMap((site) => {
    const [, list = '', filter, points = '1'] = /^([^=*]+)(?:=([^*]+))?(?:\*(-?\d+))?$/.exec(site) ?? [];
    if (Number(points) < 0) return [];
    return [...v4, ...v6].map((address) => ({ address, list, name: `${reversed(address)}.${list}`, counts: matcher(filter) }));
  });

/** By common use answers of this kind say that the list does not serve who asks, such as large public resolvers. */
const REFUSES = /^127\.255\.255\./;

const listed = ({ question: { address, list }, answers, words }: Listing): Finding => ({
  level: 'warning',
  code: 'dns.listed',
  message: `${address} is on the blocklist ${list} (${[...answers, ...(words === '' ? [] : [words])].join(', ')}), and servers that ask it refuse mail from here`,
  remedy:
    'See there why, and have it taken off; what sent spam has to be found first. Mail may leave by another way meanwhile: relay_host below [outgoing].',
});

const refused = (list: string): Finding => ({
  level: 'warning',
  code: 'dns.list-refuses',
  message: `the blocklist ${list} answers no questions of this server, and so keeps nobody away`,
  remedy:
    'Ask it without a large public resolver in between (mode = "recursive" below [resolver]), or leave it out of dnsbl below [incoming], both in hauspost.toml.',
});

export const listFindings = (listings: readonly Listing[]): readonly Finding[] => {
  const refusing = new Set(listings.filter(({ answers }) => answers.some((answer) => REFUSES.test(answer))).map(({ question }) => question.list));
  return [
    ...listings.filter(({ question, answers }) => answers.some(question.counts) && !refusing.has(question.list)).map(listed),
    ...[...refusing].map(refused),
  ];
};
