/** Whether what was found says what is wanted, by what readers of such a record make of it. */
import ipaddr from 'ipaddr.js';
import type { RecordData } from '#formats';

const canonical = (address: string): string => (ipaddr.isValid(address) ? ipaddr.parse(address).toString() : address);

/** What it says, in one spelling. */
export const meaningOf = (record: RecordData): string =>
  record.type === 'A' || record.type === 'AAAA' ? canonical(record.data.address) : JSON.stringify(Object.entries(record.data).toSorted());

/** To the letter. */
export const isSame = (one: RecordData, other: RecordData): boolean => one.type === other.type && meaningOf(one) === meaningOf(other);

/** `a=1; b=2` (RFC 6376 section 3.2): blanks around do not count, the last of the same name does. */
export const tagsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(';').flatMap((tag) => {
      const at = tag.indexOf('=');
      return at < 0 ? [] : [[tag.slice(0, at).trim(), tag.slice(at + 1).trim()] as const];
    }),
  );

/** The key of a DKIM record, and its kind (RFC 6376 section 3.6.1). */
const keyOf = (text: string): string | undefined => {
  const tags = tagsOf(text);
  const key = tags.get('p')?.replace(/\s/g, '');
  return key === undefined ? undefined : `${tags.get('k') ?? 'rsa'} ${key}`;
};

/** Two DKIM records with the same key: signatures are verified by either. */
export const isSameKey = (one: string, other: string): boolean => keyOf(one) !== undefined && keyOf(one) === keyOf(other);
