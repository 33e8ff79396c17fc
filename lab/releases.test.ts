/** The version is said once, in package.json; what repeats it agrees. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { changelog, compareReleases, earlierThan, entriesIn, presentVersion } from './releases.ts';

const read = (file: string): string => readFileSync(join(import.meta.dirname, '..', file), 'utf8');

test('the newest entry of CHANGELOG.md is the version of package.json and of its lock file', () => {
  const lock = JSON.parse(read('package-lock.json')) as { version: string; packages: { '': { version: string } } };
  assert.match(presentVersion(), /^\d+\.\d+\.\d+$/);
  assert.deepEqual([changelog()[0]?.version, lock.version, lock.packages[''].version], Array(3).fill(presentVersion()));
});

test('entries have a day each, and the newest is first', () => {
  const entries = changelog();
  assert.equal(read('CHANGELOG.md').match(/^## (?!\[Unreleased\]$)/gm)?.length, entries.length, 'every heading is one of a release, or Unreleased');
  for (const { date } of entries) assert.equal(new Date(`${date}T00:00:00Z`).toISOString().slice(0, 10), date);
  const versions = entries.map(({ version }) => version);
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => compareReleases(b, a)),
  );
  assert.deepEqual(
    entries.map(({ date }) => date),
    entries.map(({ date }) => date).toSorted((a, b) => b.localeCompare(a)),
  );
});

test('releases are told apart by their numbers, not by their letters', () => {
  const entries = entriesIn(
    '## [Unreleased]\n\n## [0.10.0] - 2027-02-01\n\n- text\n\n## [0.9.1] - 2027-01-01\n## [0.2] - 2026-12-01\n## [0.1.0] - 2026-11-28\n',
  );
  assert.deepEqual(
    entries.map(({ version, date }) => `${version} ${date}`),
    ['0.10.0 2027-02-01', '0.9.1 2027-01-01', '0.1.0 2026-11-28'],
  );
  assert.deepEqual(earlierThan('0.10.0', entries), ['0.9.1', '0.1.0']);
  assert.deepEqual(earlierThan('0.9.1', entries), ['0.1.0']);
  assert.deepEqual(earlierThan('0.1.0', entries), []);
});
