/** Names of keys (RFC 6376, section 3.1): the day on which it was made, the algorithm, and a number where that day had one before. */
import { operatorError } from '#base';
import type { DkimAlgorithm } from '#formats';

/** Of the first keys there were no others than RSA, and their selectors had no algorithm: `h20261124`. */
const SUFFIX: Readonly<Record<DkimAlgorithm, string>> = { rsa: '', ed25519: '-ed25519' };

/** `h20261124`, `h20261124-ed25519`; the next of that day are `h20261124-2`, `h20261124-2-ed25519`. A name that was used once is not used again: resolvers may remember what it said. */
export const nextSelector = (day: Date, algorithm: DkimAlgorithm, used: Iterable<string>): string => {
  const date = `h${day.toISOString().slice(0, 10).replaceAll('-', '')}`;
  const known = new Set(used);
  for (let count = 1; ; count += 1) {
    const name = `${date}${count === 1 ? '' : `-${count}`}${SUFFIX[algorithm]}`;
    if (!known.has(name)) return name;
  }
};

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** One that somebody else chose, in lower case. */
export const parseSelector = (text: string): string => {
  const name = text.toLowerCase();
  if (name.split('.').every((label) => LABEL.test(label)) && name.length <= 120) return name;
  throw operatorError({
    code: 'dkim.selector',
    message: `${JSON.stringify(text.slice(0, 130))} is no selector`,
    remedy: 'It is what stands before ._domainkey in the name of the record: letters, digits and hyphens, such as 2017.',
    detail: { selector: text.slice(0, 300) },
  });
};
