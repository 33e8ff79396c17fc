/** What all daemons together may take of a machine, and that a few megabytes more or less of it change no file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path, redacted } from '#base';
import { type Codename, plannedMemoryMb } from '#machine';
import type { Manifest } from '#model';
import { render } from './index.ts';
import { inputFor } from './test-input.lab.ts';

/** On one core for each two GB. */
const manifest = (memoryMb: number, codename: Codename): Manifest => {
  const input = inputFor(codename);
  const facts = { ...input.facts, memoryMb, cores: Math.max(1, Math.floor(memoryMb / 2048)) };
  return render({ ...input, facts }, { program: path('/opt/hauspost/hauspost'), owner: 'root' }).manifest;
};
const rendered = (memoryMb: number): string => JSON.stringify(manifest(memoryMb, 'trixie'));
const numbers = (memoryMb: number): readonly string[] => {
  const text = rendered(memoryMb).replaceAll('\\n', '\n');
  return ['maxmemory', 'innodb-buffer-pool-size =', 'max-connections =', 'default_process_limit =', 'MemoryMax=']
    .map((name) => text.split('\n').find((line) => line.startsWith(name)) ?? `no ${name}`)
    .map((line) => line.replaceAll(/["\\]/g, ''));
};

test('512 MB, 1 GB, 4 GB, 64 GB', () => {
  assert.deepEqual(numbers(512), [
    'maxmemory 67108864',
    'innodb-buffer-pool-size = 32M',
    'max-connections = 100',
    'default_process_limit = 32',
    'MemoryMax=768M',
  ]);
  assert.deepEqual(numbers(1024), [
    'maxmemory 67108864',
    'innodb-buffer-pool-size = 32M',
    'max-connections = 128',
    'default_process_limit = 64',
    'MemoryMax=768M',
  ]);
  assert.deepEqual(numbers(4096), [
    'maxmemory 268435456',
    'innodb-buffer-pool-size = 128M',
    'max-connections = 500',
    'default_process_limit = 256',
    'MemoryMax=2048M',
  ]);
  assert.deepEqual(numbers(65_536), [
    'maxmemory 536870912',
    'innodb-buffer-pool-size = 1024M',
    'max-connections = 500',
    'default_process_limit = 500',
    'MemoryMax=32768M',
  ]);
});

/** The first number that the pattern finds in the files. */
const found = (texts: readonly string[], pattern: RegExp): number =>
  Number(texts.map((text) => pattern.exec(text)?.[1]).find((value) => value !== undefined));

/** Hauspost's own: commands, and who looks for new domains. */
const OWN = 5;

test('the database has a connection for each question of each proxymap, and for whoever else asks', () => {
  for (const codename of ['bookworm', 'trixie'] as const) {
    for (const memoryMb of [512, 768, 1024, 2048, 4096, 65_536]) {
      const files = manifest(memoryMb, codename).items.flatMap((item) =>
        item.kind === 'file' ? [{ at: item.path, text: redacted(item.text) }] : [],
      );
      const texts = files.map(({ text }) => text);
      const questions = files.filter(({ at }) => at.startsWith('/etc/postfix/sql/')).length;
      const askers = found(texts, /^proxymap +unix +\S+ +\S+ +\S+ +\S+ +(\d+) +proxymap$/m);
      // 2.3 has a connection for each of its files.
      const files23 = files.filter(({ at }) => at.startsWith('/etc/dovecot/dovecot-sql')).length;
      const workers =
        found(texts, /^auth_worker_max_count = (\d+)$/m) * files23 || found(texts, /service auth-worker \{[^}]*process_limit = (\d+)$/m);
      const most = found(texts, /^max-connections = (\d+)$/m);
      assert.ok(askers * questions + workers + OWN <= most, `${codename}, ${memoryMb} MB: ${askers} * ${questions} + ${workers} + ${OWN} > ${most}`);
    }
  }
});

test('a machine that has eight megabytes more or less after an update renders the same', () => {
  const told = (mb: number): string => rendered(plannedMemoryMb(mb * 2 ** 20, 0));
  for (const mb of [512, 1024, 4096, 65_536]) {
    assert.equal(told(mb - 8), told(mb), `${mb} - 8`);
    assert.equal(told(mb + 8), told(mb), `${mb} + 8`);
  }
  assert.notEqual(told(1024), told(4096));
});
