import assert from 'node:assert/strict';
import { test } from 'node:test';
import { together, type Voice } from './checked.ts';
import { inTheWay, missing, RIGHT, type Verdict } from './verdict.ts';

const voices = (...verdicts: readonly (Verdict | undefined)[]): readonly Voice[] =>
  verdicts.map((verdict, index) => ({
    server: { name: `ns${index}.test`, address: undefined, serial: undefined },
    verdict,
    shows: [],
    alias: undefined,
  }));

const RECORD = { type: 'A', data: { address: '192.0.2.25' } } as const;
const [MISSING, DOUBLED] = [missing([RECORD]), inTheWay([RECORD])];
const LEFT: Verdict = { state: 'left-over', expected: [], found: [RECORD] };
const DIFFERS: Verdict = { state: 'differs', expected: [], found: [RECORD] };

const OPEN: Verdict = { state: 'unevaluated', expected: [], found: [RECORD], evaluated: [{ address: '192.0.2.25', result: 'unknown', why: '' }] };

const CASES: readonly (readonly [string, readonly (Verdict | undefined)[]])[] = [
  ['right', [RIGHT, RIGHT]],
  ['missing', [MISSING, MISSING]],
  ['in-the-way', [MISSING, DOUBLED]],
  ['not-everywhere', [RIGHT, MISSING]],
  ['not-everywhere', [RIGHT, DOUBLED]],
  ['not-everywhere', [RIGHT, undefined]],
  ['missing', [MISSING, undefined]],
  ['differs', [RIGHT, DIFFERS]],
  ['left-over', [RIGHT, LEFT]],
  ['unevaluated', [RIGHT, OPEN]],
  ['unevaluated', [OPEN, DIFFERS]],
  ['not-everywhere', [OPEN, MISSING]],
  ['not-everywhere', [OPEN, undefined]],
  ['unknown', [undefined]],
  ['unknown', []],
];

for (const [state, verdicts] of CASES)
  test(`${verdicts.map((verdict) => verdict?.state ?? 'no answer').join(', ') || 'nobody'}: ${state}`, () => {
    assert.equal(together(voices(...verdicts)).state, state);
  });
