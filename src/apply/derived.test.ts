/** What makes a compiled file old. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path } from '#base';
import type { Item, Manifest } from '#model';
import { derivedKey } from './derived.ts';

type Derived = Item & { kind: 'derived' };

const [SOURCE, COMPILED] = [path('/etc/dovecot/sieve/spam.sieve'), path('/etc/dovecot/sieve/spam.svbin')];
const ROOT = { owner: 'root:root', mode: 0o644, wakes: [] };
const BY = { package: 'dovecot-sieve', record: path('/var/lib/hauspost/sieve-compiled-by') };
const made: Derived = { kind: 'derived', path: COMPILED, from: SOURCE, argv: ['/usr/bin/sievec', SOURCE, COMPILED], ...BY, ...ROOT };
const from = (text: string): Manifest => ({ items: [{ kind: 'file', path: SOURCE, text: [text], ...ROOT }, made] });

test('a compiled file is old when its source or the command is another, and not otherwise', () => {
  const key = derivedKey(made, from('keep;'));
  assert.equal(derivedKey({ ...made }, from('keep;')), key);
  assert.equal(derivedKey({ ...made, mode: 0o600 }, from('keep;')), key);
  for (const [item, text] of [
    [made, 'discard;'],
    [{ ...made, argv: [...made.argv, '-x', '+editheader'] }, 'keep;'],
  ] as const)
    assert.notEqual(derivedKey(item, from(text)), key, JSON.stringify([item, text]));
});
