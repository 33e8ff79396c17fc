/** A scenario that fails tells what was said and what the mail servers wrote in that test, without passwords; one that passes tells nothing. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { labAvailable } from '../host.ts';
import { run } from '../process.ts';

const reason = await labAvailable();
const options = reason === undefined ? {} : { skip: reason };
const PASSWORD = 'password-of-demo';

let said = '';

before(async () => {
  if (reason !== undefined) return;
  // Without the variable by which node:test tells a file that it is run by a test.
  const argv = ['env', '--unset=NODE_TEST_CONTEXT', process.execPath, '--test-reporter=spec', '--test-name-pattern=bookworm'];
  const { code, stdout, stderr } = await run([...argv, join(import.meta.dirname, 'failing.child.ts')], { ms: 900_000 });
  said = `${stdout}${stderr}`;
  assert.equal(code, 1, said);
});

/** The subject of the message that was sent in the test. */
const subjectOf = (mark: string): string => {
  const subject = new RegExp(`sent ${mark} (\\S+)`).exec(said)?.[1];
  assert.ok(subject !== undefined, said);
  return subject;
};

test('the test that fails is told with its dialogues and the logs of both servers', options, () => {
  const subject = subjectOf('failing');
  assert.match(said, /^--- dialogues$/m);
  assert.match(said, /^ {4}C: EHLO failing\.people\.example$/m);
  assert.match(said, /^(?:198\.18\.0\.11|2001:2::11) -> \S+ port 25 \(TLS 1\.3, for [^)]+\)$/m);
  assert.match(said, /^--- mail\.there\.example$/m);
  assert.match(said, new RegExp(`<= demo@house\\.example .* T="${subject}"`));
  assert.match(said, /^--- mail\.house\.example$/m);
  assert.match(said, /postfix\/smtp\[\d+\]: .* to=<reader-\d+@there\.example>, .* status=sent/);
});

test('the test that passes is not', options, () => {
  assert.equal(said.split('--- dialogues').length, 2, 'one report');
  assert.ok(!said.includes('EHLO passing.people.example'));
  // Once where the child itself names it.
  assert.equal(said.split(subjectOf('passing')).length, 2);
});

test('no password is told, neither as it is nor as it travels', options, () => {
  assert.match(said, /^ {4}C: AUTH PLAIN \*\*\*$/m);
  assert.match(said, /^ {4}C: NOOP \*\*\*$/m);
  assert.ok(!said.includes(PASSWORD));
  assert.ok(!said.includes(Buffer.from(`\0demo@house.example\0${PASSWORD}`).toString('base64')));
});
