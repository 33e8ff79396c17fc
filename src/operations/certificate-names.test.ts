/** A renewal waits for a name that the present certificate has and of which nobody can say whether it leads here; not for one that is surely gone, and not for ever. */
import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { awaitedOf, type LeftOut } from './certificate-names.ts';

const at = (day: number): Date => new Date(Date.UTC(2027, 0, 1) + day * 86_400_000);
const present = {
  validFromDate: at(0),
  validToDate: at(90),
  checkHost: (name: string) => (name === 'imap.example.org' ? name : undefined),
} as X509Certificate;
const without = (...leftOut: readonly LeftOut[]): { readonly leftOut: readonly LeftOut[] } => ({ leftOut });

const unsure = (name: string): LeftOut => ({ name, why: 'the question for its addresses is not answered', unsure: true });
const gone: LeftOut = { name: 'imap.example.org', why: 'there is no such name in DNS' };

test('one that it has, while nobody answers for it', () => {
  assert.equal(awaitedOf(present, without(unsure('smtp.example.org'), unsure('imap.example.org')), at(61))?.name, 'imap.example.org');
  assert.equal(awaitedOf(present, without(unsure('smtp.example.org')), at(61)), undefined);
  assert.equal(awaitedOf(present, without(gone), at(61)), undefined);
  assert.equal(awaitedOf(undefined, without(unsure('imap.example.org')), at(61)), undefined);
});

test('until its end is near', () => {
  const waits = (day: number): boolean => awaitedOf(present, without(unsure('imap.example.org')), at(day)) !== undefined;
  assert.deepEqual([waits(69.9), waits(70.1), waits(91)], [true, false, false]);
});
