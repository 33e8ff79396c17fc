/**
 * A renewal waits for a name that the present certificate has and of which nobody can say whether it leads here; not for one that is surely gone, and not
 * for ever. Where there is no room for all, those of the present certificate stay in it.
 */
import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { heldFirst, roomFor } from './candidates.ts';
import { awaitedOf, elsewhere, type LeftOut, namesAmong } from './certificate-names.ts';

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

/** In the order of the alphabet, as the database has them. */
const many = (count: number, first = 0): readonly string[] =>
  Array.from({ length: count }, (_, index) => `d${String(first + index).padStart(4, '0')}.example`);
const programs = (domains: readonly string[]): readonly string[] => domains.flatMap((domain) => [`imap.${domain}`, `smtp.${domain}`]);
const holding = (names: readonly string[]): X509Certificate =>
  ({ checkHost: (name: string) => (names.includes(name) ? name : undefined) }) as X509Certificate;
const HOST = 'mail.example.org';
const leads = async (): Promise<undefined> => undefined;

test('a domain more does not push the names of others out of a full certificate, nor their records out of DNS', async () => {
  const held = programs(many(50, 100)).slice(0, 99);
  const present = holding([HOST, ...held]);
  const all = programs(['aaa.example', ...many(250), 'zzz.example']);
  const { names, leftOut } = await namesAmong(all, { hostname: HOST, present, look: leads });
  assert.deepEqual(names, [HOST, ...held]);
  assert.equal(leftOut[0]?.why, 'a certificate has 100 names at most');
  assert.deepEqual(roomFor(['aaa.example', ...many(250)], { hostname: HOST }, present), held);
});

test('one that is held is found also beyond those that are looked up, and where nobody answers for it nobody gets its place', async () => {
  const held = programs(['zzz.example', ...many(49, 900)]).slice(0, 99);
  const [unanswered = ''] = held;
  const look = async (name: string): Promise<LeftOut | undefined> => (name === unanswered ? unsure(name) : undefined);
  const { names, leftOut } = await namesAmong(programs([...many(950), 'zzz.example']), { hostname: HOST, present: holding(held), look });
  assert.deepEqual(names.toSorted(), [HOST, ...held.slice(1)].toSorted());
  assert.ok(leftOut.some(({ name }) => name === unanswered));
});

test('where there is room the new ones are in it; one that surely leads elsewhere gives its place to another', async () => {
  const held = programs(many(50)).slice(0, 99);
  const look = async (name: string): Promise<LeftOut | undefined> => (name === held[0] ? { name, why: 'it leads to 192.0.2.9' } : undefined);
  const { names } = await namesAmong(programs([...many(50), 'zzz.example']), { hostname: HOST, present: holding(held), look });
  assert.equal(names.length, 100);
  assert.ok(!names.includes(held[0] ?? '') && names.includes('smtp.d0049.example') && !names.includes('imap.zzz.example'));
  assert.deepEqual((await namesAmong(programs(['zzz.example']), { hostname: HOST, present: undefined, look: leads })).names, [
    HOST,
    'imap.zzz.example',
    'smtp.zzz.example',
  ]);
  assert.deepEqual(heldFirst(['a', 'b', 'c'], holding(['c'])), ['c', 'a', 'b']);
});

test('what leads here: by every address; by what we have published for the server, too; by some where the certificate has it', () => {
  const here = { ours: new Set(['192.0.2.25']), published: new Set(['192.0.2.25', '2001:db8::25']) };
  const leadsHere = (found: readonly string[], isHeld: boolean): boolean => elsewhere('imap.example.org', found, here, isHeld) === undefined;
  for (const isHeld of [true, false]) {
    assert.ok(leadsHere(['192.0.2.25'], isHeld));
    assert.ok(leadsHere(['192.0.2.25', '2001:db8::25'], isHeld), 'IPv6 has ended, and upkeep leaves the record');
    assert.ok(!leadsHere([], isHeld));
    assert.ok(!leadsHere(['198.51.100.9'], isHeld));
    assert.equal(leadsHere(['192.0.2.25', '2001:db8::9'], isHeld), isHeld, 'of records by hand the certificate tells');
  }
  assert.equal(elsewhere('imap.example.org', ['192.0.2.25', '2001:db8::9'], here, false)?.why, 'it leads to 2001:db8::9, which is not this server');
});
