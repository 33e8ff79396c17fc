import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedOptions, optionChanges } from './index.ts';

test('options that were changed, added and left out; not the rest, nor comments and order', () => {
  const before =
    '# ours\n[server]\nprofile = "local"\n[mail]\nmessage_size_limit = "20M"\ndefault_quota = "1G"\n[network]\nbind = ["127.0.0.1", "::1"]\n';
  const after =
    '[mail]\ndefault_quota = "2G" # more\n[network]\nbind = ["127.0.0.1",\n  "::1"]\n[logs]\nretention = "9d"\n[server]\nprofile = "local"\n';
  assert.deepEqual(changedOptions(before, after), ['mail.default_quota', 'network.bind', 'logs.retention', 'mail.message_size_limit']);
  assert.deepEqual(changedOptions(after, `# only a remark\n${after}`), []);
  assert.deepEqual(changedOptions('', after).length, 4);
});

test('each with what was written before and after, on one line', () => {
  assert.deepEqual(optionChanges('[mail]\ndefault_quota = "1G" # small\n', '[network]\nbind = [\n  "127.0.0.1",\n  "::1",\n]\n'), [
    { option: 'network.bind', was: undefined, is: '[ "127.0.0.1", "::1", ]' },
    { option: 'mail.default_quota', was: '"1G"', is: undefined },
  ]);
});
