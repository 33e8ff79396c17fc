/** When an authority is asked anew, how long it is left alone after failures, and from when on somebody has to know. */
import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { isSoonOver, leftAloneUntil, renewalOf, retryAfter } from './due.ts';

const at = (day: number): Date => new Date(Date.UTC(2027, 0, 1) + day * 86_400_000);
const lasting = (days: number): X509Certificate => ({ validFromDate: at(0), validToDate: at(days) }) as X509Certificate;

test('a third of its time before its end; those of six days as well', () => {
  assert.deepEqual([renewalOf(lasting(90)), renewalOf(lasting(6))], [at(60), at(4)]);
});

test('from 20 of 90 days on it is said, and never before it could have been renewed', () => {
  const said = (days: number, day: number): boolean => isSoonOver(lasting(days), at(day));
  assert.deepEqual([said(90, 69.9), said(90, 70.1), said(90, 90.1)], [false, true, false]);
  assert.deepEqual([said(45, 34.9), said(45, 35.1), said(398, 377.9), said(398, 378.1)], [false, true, false, true]);
});

test('15 minutes after a first failure, twice that after each further one, at most 12 hours; 12 hours where it was too often', () => {
  const minutes = (failures: number, limited = false): number => (retryAfter(failures, limited, at(0)).getTime() - at(0).getTime()) / 60_000;
  assert.deepEqual(
    [1, 2, 3, 6, 7, 100].map((failures) => minutes(failures)),
    [15, 30, 60, 480, 720, 720],
  );
  assert.equal(minutes(1, true), 720);
});

test('it is left alone until then, and no longer; nor for more than a day, which no failure asks for', () => {
  assert.deepEqual(leftAloneUntil(at(1), at(0.5)), at(1));
  for (const now of [at(1), at(2), at(-1), at(-3000)]) assert.equal(leftAloneUntil(at(1), now), undefined, now.toISOString());
});
