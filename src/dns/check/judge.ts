/** Holds what stands at a name against what is to be there. Pure. */
import type { RecordData } from '#formats';
import { isSame } from '../same.ts';
import type { Evaluated } from './check-host.ts';
import type { Expectation, Ours } from './expectation.ts';
import { judgeSpf } from './spf.ts';
import { isText, judgeDkim, judgeDmarc, judgeGone } from './texts.ts';
import { absent, differs, inTheWay, missing, RIGHT, type Verdict } from './verdict.ts';

export interface Standing {
  /** Of the type that is to be there; where the name is an alias, at its end. */
  readonly found: readonly RecordData[];
  readonly alias: string | undefined;
  /** Of a name that mail programs try, where it is no alias: its addresses. */
  readonly addresses?: readonly RecordData[];
  /** Of SPF: what receivers make of it. Without it the text alone is judged. */
  readonly evaluated?: readonly Evaluated[];
}

type Of<T extends RecordData['type']> = Extract<RecordData, { readonly type: T }>;
const of = <T extends RecordData['type']>(type: T, records: readonly RecordData[]): readonly Of<T>[] =>
  records.filter((record): record is Of<T> => record.type === type);

const without = (records: readonly RecordData[], others: readonly RecordData[]): readonly RecordData[] =>
  records.filter((record) => !others.some((other) => isSame(record, other)));

/** All of them, and nothing else. */
const judgeSet = (wanted: readonly RecordData[], found: readonly RecordData[]): Verdict => {
  const [lacking, more] = [without(wanted, found), without(found, wanted)];
  if (lacking.length > 0) return absent(lacking, more);
  return more.length > 0 ? inTheWay(more) : RIGHT;
};

/** Servers that are as near as ours, or nearer, get the mail instead. Those behind it (a backup) are the operator's business. */
const judgeMx = (wanted: readonly Of<'MX'>[], found: readonly Of<'MX'>[]): Verdict => {
  const host = wanted[0]?.data.exchange;
  const mine = found.filter(({ data }) => data.exchange === host);
  if (mine.length === 0) return absent(wanted, found);
  const nearest = Math.min(...mine.map(({ data }) => data.preference));
  const rivals = found.filter(({ data }) => data.exchange !== host && data.preference <= nearest);
  if (rivals.length > 0) return inTheWay(rivals);
  return without(wanted, mine).length === 0 ? RIGHT : differs(wanted, mine);
};

/** Any record of a key that the server has lets mail in (RFC 7672 section 3.1); one of another key lets in whoever has that. Other forms are not judged. */
const judgeTlsa = (wanted: readonly RecordData[], found: readonly Of<'TLSA'>[]): Verdict => {
  const foreign = without(found, wanted);
  const lacking = without(wanted, found);
  if (lacking.length > 0) return absent(lacking, foreign);
  if (of('TLSA', foreign).some(({ data }) => data.usage === 3 && data.selector === 1 && data.matching === 1)) return inTheWay(foreign);
  return foreign.length > 0 ? differs(wanted, foreign) : RIGHT;
};

/** RFC 8659 section 4.2: what follows the semicolon are the authority's own conditions. */
const issuerIn = ({ data }: Of<'CAA'>): string => data.value.split(';')[0]?.trim().toLowerCase() ?? '';

/** Without `issue` anybody may. */
const judgeCaa = (wanted: readonly Of<'CAA'>[], found: readonly Of<'CAA'>[]): Verdict => {
  const issue = found.filter(({ data }) => data.tag === 'issue');
  if (issue.length === 0) return missing(wanted);
  const authorities = wanted.map(issuerIn);
  if (!issue.some((each) => authorities.includes(issuerIn(each)))) return absent(wanted, issue);
  const others = without(issue, wanted);
  return others.length === 0 ? RIGHT : differs(wanted, issue);
};

const isSamePlace = (one: Of<'SRV'>, other: Of<'SRV'>): boolean => one.data.target === other.data.target && one.data.port === other.data.port;

const judgeSrv = (wanted: readonly Of<'SRV'>[], found: readonly Of<'SRV'>[]): Verdict => {
  const elsewhere = found.filter((each) => !wanted.some((one) => isSamePlace(one, each)));
  if (!wanted.every((one) => found.some((each) => isSamePlace(one, each)))) return absent(wanted, found);
  if (elsewhere.length > 0) return inTheWay(elsewhere);
  return without(wanted, found).length === 0 ? RIGHT : differs(wanted, found);
};

const addressesOf = ({ reached: { v4, v6 } }: Ours): readonly RecordData[] => [
  ...v4.map((address): RecordData => ({ type: 'A', data: { address } })),
  ...v6.map((address): RecordData => ({ type: 'AAAA', data: { address } })),
];

/** As an alias of the host, or with its addresses; and not at all where the certificate is not valid for it. */
const judgeClient = (wanted: readonly RecordData[], { found, addresses = [] }: Standing, ours: Ours): Verdict => {
  const own = addressesOf(ours);
  if (wanted.length === 0) {
    const leads = found.some((each) => each.type === 'CNAME' && each.data.target === ours.hostname);
    const there = leads ? found : addresses.filter((each) => own.some((address) => isSame(address, each)));
    return there.length === 0 ? RIGHT : { state: 'left-over', expected: [], found: there };
  }
  if (found.length > 0 || addresses.length === 0) return judgeSet(wanted, found);
  return without(addresses, own).length === 0 ? differs(wanted, addresses) : absent(wanted, addresses);
};

const judgeText = ({ kind, name, wanted: [first] }: Expectation, { found, evaluated }: Standing, ours: Ours): Verdict => {
  if (first === undefined || !isText(first)) return judgeGone(found.filter(isText));
  const texts = found.filter(isText);
  if (kind === 'spf') return judgeSpf(name, first, texts, ours, evaluated);
  return kind === 'dkim' ? judgeDkim(first, texts) : judgeDmarc(first, texts);
};

export const judge = (expectation: Expectation, standing: Standing, ours: Ours): Verdict => {
  const { kind, name, wanted } = expectation;
  const { found, alias } = standing;
  if (alias !== undefined && ours.plain.has(name)) return { state: 'alias', expected: wanted, found: [{ type: 'CNAME', data: { target: alias } }] };
  switch (kind) {
    case 'address':
    case 'ptr':
      return judgeSet(wanted, found);
    case 'mx':
      return judgeMx(of('MX', wanted), of('MX', found));
    case 'tlsa':
      return judgeTlsa(wanted, of('TLSA', found));
    case 'caa':
      return judgeCaa(of('CAA', wanted), of('CAA', found));
    case 'srv':
      return judgeSrv(of('SRV', wanted), of('SRV', found));
    case 'client':
      return judgeClient(wanted, standing, ours);
    case 'spf':
    case 'dkim':
    case 'dmarc':
      return judgeText(expectation, standing, ours);
  }
};
