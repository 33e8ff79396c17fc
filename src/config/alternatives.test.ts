import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alternatives } from './index.ts';

const of = (text: string, option: string): readonly unknown[] =>
  alternatives(text)
    .filter((each) => each.option === option)
    .map(({ line, config }) => [line, config]);

test('each option that was written is left to its default, and replaced by its example', () => {
  const text = '[server]\nprofile = "local"\n[mail]\n# how much\nmessage_size_limit = "20M"\ndefault_quota = "3G"\n';
  const found = alternatives(text).map(({ option, line, config: { mail } }) => [option, line, mail.messageSizeLimit, mail.defaultQuota]);
  assert.deepEqual(found, [
    ['server.profile', 2, 20, 3 * 1024],
    ['mail.message_size_limit', 5, 50, 3 * 1024],
    ['mail.message_size_limit', 5, 100, 3 * 1024],
    ['mail.default_quota', 6, 20, 1024],
    ['mail.default_quota', 6, 20, 5 * 1024],
  ]);
});

test('one that has to be there is only replaced, and one whose example is refused as well only left out', () => {
  const text =
    '[server]\nprofile = "public"\nhostname = "post.example.net"\npostmaster = "me@example.net"\n[mail]\nbounce_lifetime = "2h"\nqueue_lifetime = "1d"\n';
  assert.equal(of(text, 'server.hostname').length, 1);
  assert.equal(of(text, 'server.postmaster').length, 1);
  assert.equal(of(text, 'mail.bounce_lifetime').length, 1, '2d are longer than queue_lifetime');
  assert.equal(of(text, 'mail.queue_lifetime').length, 2);
});

test('a section within braces counts alike', () => {
  assert.deepEqual(
    alternatives('server = { profile = "local" }\nmail = { message_size_limit = "20M" }\n').map(({ option, line }) => [option, line]),
    [
      ['server.profile', 1],
      ['mail.message_size_limit', 2],
      ['mail.message_size_limit', 2],
    ],
  );
});
