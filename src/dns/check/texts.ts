/** DKIM and DMARC records: tags, of which only some say what matters here. */
import type { RecordData } from '#formats';
import { isSameKey, tagsOf } from '../same.ts';
import { absent, differs, inTheWay, RIGHT, type Verdict } from './verdict.ts';

export type Text = Extract<RecordData, { readonly type: 'TXT' }>;

export const isText = (record: RecordData): record is Text => record.type === 'TXT';

/** `h=`, `s=` (RFC 6376 section 3.6.1): lists of what the key may be used for. */
const allows = (list: string | undefined, use: string): boolean =>
  list === undefined || list.split(':').some((each) => each.trim() === use || each.trim() === '*');

const isUsable = (tags: ReadonlyMap<string, string>): boolean =>
  allows(tags.get('h'), 'sha256') && allows(tags.get('s'), 'email') && (tags.get('v') ?? 'DKIM1') === 'DKIM1';

/** `t=y`: the domain only tries DKIM, and signatures are not to count. */
const isTried = (tags: ReadonlyMap<string, string>): boolean => (tags.get('t') ?? '').split(':').some((flag) => flag.trim() === 'y');

/** What a verifier does with two records of one selector nobody says (RFC 6376 section 3.6.2.2). */
export const judgeDkim = (wanted: Text, found: readonly Text[]): Verdict => {
  const ours = found.filter(({ data }) => isSameKey(data.text, wanted.data.text));
  const [first] = ours;
  if (first === undefined) return absent([wanted], found);
  if (found.length > 1) return inTheWay(found.filter((each) => each !== first));
  const tags = tagsOf(first.data.text);
  if (!isUsable(tags)) return absent([wanted], found);
  return isTried(tags) ? differs([wanted], found) : RIGHT;
};

/** Of a key that is gone; one that is revoked (`p=`) is as good as none (RFC 6376 section 3.6.1). */
export const judgeGone = (found: readonly Text[]): Verdict => {
  const keys = found.filter(({ data }) => (tagsOf(data.text).get('p') ?? '') !== '');
  return keys.length === 0 ? RIGHT : { state: 'left-over', expected: [], found: keys };
};

/** RFC 9989: the tag with the version comes first. Another text at the name is no DMARC record. */
const isDmarc = ({ data }: Text): boolean => /^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/.test(data.text);

const same = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  one.size === other.size && [...one].every(([tag, value]) => other.get(tag) === value);

/** Of two policies none counts. */
export const judgeDmarc = (wanted: Text, texts: readonly Text[]): Verdict => {
  const found = texts.filter(isDmarc);
  const [ours, there] = [tagsOf(wanted.data.text), found.map(({ data }) => tagsOf(data.text))];
  const exact = there.findIndex((tags) => same(tags, ours));
  if (found.length > 1) return inTheWay(exact < 0 ? found : found.filter((_, index) => index !== exact));
  if (exact === 0) return RIGHT;
  return there[0]?.get('p') === ours.get('p') ? differs([wanted], found) : absent([wanted], found);
};
