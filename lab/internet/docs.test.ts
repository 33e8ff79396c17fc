/** docs/lab.md shows every zone, and every address that does not come from a scenario, as they are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { OURS } from './ours.ts';
import { CERTIFICATE_AUTHORITY, DEAD, NAME_SERVERS, PEOPLE, RECORDER, RESOLVER, ZONES } from './topology.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/lab.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| `'));

test('each zone stands in the table of zones', () => {
  const named = rows.flatMap((row) => [...(row.split(' | ')[0]?.matchAll(/`([^`]+)`/g) ?? [])].map(([, name]) => name));
  const missing = ZONES.map(({ name }) => (name === '.' ? name : name.slice(0, -1))).filter((name) => !named.includes(name));
  assert.deepEqual(missing, []);
});

test('each host has the address that the table gives it', () => {
  const told = (name: string): string => rows.find((row) => row.startsWith(`| \`${name}\` |`))?.split(' | ')[1] ?? `no ${name}`;
  const hosts = {
    ...{ 'a.root.example': NAME_SERVERS.root, 'registry.example': NAME_SERVERS.registry, 'ns1.example': NAME_SERVERS.primary },
    ...{ 'ns2.example': NAME_SERVERS.secondary, 'resolver.example': RESOLVER, 'acme.example': CERTIFICATE_AUTHORITY, 'recorder.example': RECORDER },
    ...{ 'laptop.people.example': PEOPLE, 'gone.example': DEAD, [OURS.bookworm.hostname]: OURS.bookworm.addresses },
    [OURS.trixie.hostname]: OURS.trixie.addresses,
  };
  for (const [name, { v4, v6 }] of Object.entries(hosts)) assert.deepEqual([v4, v6], [`198.18.0.${told(name)}`, `2001:2::${told(name)}`], name);
});
