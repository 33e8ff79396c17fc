/** docs/data.md and docs/dovecot.md name what the daemons ask and call now. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lookups } from './lookups.ts';
import { principals } from './views.ts';

const page = (name: string): string => readFileSync(join(import.meta.dirname, `../../docs/${name}.md`), 'utf8');
/** From its heading to the next one. */
const section = (title: string): string =>
  page('data')
    .split(/^## /m)
    .find((each) => each.startsWith(`${title}\n`)) ?? '';
const versioned = (text: string): readonly string[] =>
  [...new Set([...text.matchAll(/`([a-z_]+_v[0-9]+)`/g)].map(([, name = '']) => name))].toSorted();

test('views and functions: those that are granted, and no others', () => {
  assert.deepEqual(versioned(section('Views')), [...principals.postfix, ...principals.dovecot].toSorted());
  const named = versioned(page('dovecot'));
  assert.ok(named.includes('login_refused_v3'));
  assert.deepEqual(
    named.filter((name) => !principals.dovecot.some((granted) => granted === name)),
    [],
  );
});

test('lookups: each of them', () => {
  const rows = section('Lookups')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([a-zA-Z]+)`/g)].map(([, name = '']) => name));
  assert.deepEqual(
    Object.keys(lookups).filter((name) => !named.includes(name)),
    [],
  );
  const placeholders = rows.flatMap((row) => [...(row.split('|')[3] ?? '').matchAll(/`([a-z]+)`/g)].map(([, name = '']) => name));
  assert.deepEqual([...new Set(placeholders)].toSorted(), ['address', 'client', 'digest', 'domain', 'local', 'seen', 'service']);
});
