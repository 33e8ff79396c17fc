/**
 * What a daemon understood, against what we wrote. Each format has its own dump and comparison; the answer is uniform: nothing, or
 * one mismatch for each parameter that arrived otherwise or not at all. The value of a secret is not known here: any text without
 * blanks and quotes counts as it, and a mismatch never shows what stands in its place.
 */
import { redacted, type Text } from '#base';

export interface Mismatch {
  /** The parameter, with the blocks around it: `service auth > vsz_limit`. */
  readonly key: string;
  readonly expected: string;
  /** Undefined: the daemon does not know of it. */
  readonly actual: string | undefined;
}

const hasSecret = (text: Text): boolean => text.some((piece) => typeof piece !== 'string');

export const mismatch = (key: string, expected: Text, actual: string | undefined): Mismatch => ({
  key,
  expected: redacted(expected),
  actual: actual !== undefined && hasSecret(expected) ? '<hidden>' : actual,
});

/** Equality of the texts; a secret stands for itself, whatever it is. */
export const sameText = (expected: Text, actual: string): boolean => {
  if (!hasSecret(expected)) return expected.join('') === actual;
  const pattern = expected.map((piece) => (typeof piece === 'string' ? RegExp.escape(piece) : '[A-Za-z0-9$./+=_:-]+')).join('');
  return new RegExp(`^${pattern}$`, 's').test(actual);
};

const UNITS: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Octets of `16M`, `16 M`, `16mb`, `1024`; undefined for anything else. Units are powers of 1024. */
export const octets = (text: string): number | undefined => {
  const match = /^([0-9]+) ?(?:([bkmgt])(?:i?b)?)?$/i.exec(text);
  return match === null ? undefined : Number(match[1]) * (UNITS[(match[2] ?? 'b').toLowerCase()] ?? Number.NaN);
};

const SPANS: readonly (readonly [RegExp, number])[] = [
  [/^(ms|msecs?|milli(second)?s?)$/, 1],
  [/^s(ecs?|econds?)?$/, 1000],
  [/^m(ins?|inutes?)?$/, 60_000],
  [/^h(ours?)?$/, 3_600_000],
  [/^d(ays?)?$/, 86_400_000],
  [/^w(eeks?)?$/, 604_800_000],
];

/** Milliseconds of `30s`, `5 mins`, `90 days`; undefined for anything else, so for a bare number, too. */
export const milliseconds = (text: string): number | undefined => {
  const match = /^([0-9]+) ?([a-z]+)$/.exec(text.toLowerCase());
  const span = SPANS.find(([unit]) => unit.test(match?.[2] ?? ''));
  return match === null || span === undefined ? undefined : Number(match[1]) * span[1];
};

/** The same amount, perhaps in other units: both are sizes, or both are spans of time. */
export const sameQuantity = (one: string, other: string): boolean =>
  [octets, milliseconds].some((measure) => {
    const amount = measure(one);
    return amount !== undefined && amount === measure(other);
  });
