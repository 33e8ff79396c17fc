/** What is made of a resolver's answers about a zone's signatures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standingBy } from './delegation.ts';

const says = (status: string, ...flags: readonly string[]): { readonly status: string; readonly flags: ReadonlySet<string> } => ({
  status,
  flags: new Set(flags),
});
const [good, refused, none] = [says('NOERROR'), says('SERVFAIL'), undefined];

test('signatures are wrong only where they are refused twice, and all is there that they are validated with', () => {
  assert.equal(standingBy([refused, refused], good, [good, good]), 'broken');
  for (const validated of [
    [refused, none],
    [none, refused],
    [none, none],
    [refused, says('REFUSED')],
  ])
    assert.equal(standingBy(validated, good, [good, good]), 'indeterminate', JSON.stringify(validated));
  for (const proofs of [
    [refused, good],
    [good, none],
    [says('NXDOMAIN'), good],
  ])
    assert.equal(standingBy([refused, refused], good, proofs), 'indeterminate', JSON.stringify(proofs));
});

test('what is well the second time is well; what nobody shows is not resolved', () => {
  assert.equal(standingBy([says('NOERROR', 'ad')], good, []), 'secure');
  assert.equal(standingBy([good], good, []), 'insecure');
  assert.equal(standingBy([refused, says('NOERROR', 'ad')], good, [good, good]), 'secure');
  assert.equal(standingBy([none, good], good, [good, good]), 'insecure');
  assert.equal(standingBy([refused, refused], refused, [good, good]), 'dead');
});
