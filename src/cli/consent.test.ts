/** Questions where nobody can be asked: a process of its own without a terminal. At one they are asked in lab/scenarios/commands.test.ts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const asking = (consents: readonly object[]): { readonly stdout: string; readonly stderr: string } => {
  const script = `const { askFor } = await import(${JSON.stringify(import.meta.resolve('./consent.ts'))});
    const { code, message, remedy, detail } = await askFor(${JSON.stringify(consents)}).then((yes) => ({ code: String(yes.size) }), (error) => error);
    console.log(JSON.stringify({ code, message, remedy, detail }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { input: '', encoding: 'utf8' });
  return { stdout, stderr };
};

test('without a terminal what was to be agreed to is shown, then refused, and is in the document', () => {
  const text = 'These changes would be made:\n  install postfix\n  create /etc/postfix/main.cf';
  const { stdout, stderr } = asking([{ id: 'x', text, question: 'Make these changes?' }]);
  assert.equal(stderr, `${text}\n`);
  assert.deepEqual(JSON.parse(stdout), {
    code: 'consent.no-terminal',
    message: 'there is a question and no terminal to ask at: Make these changes?',
    remedy: 'Run it again with --yes to agree, or at a terminal.',
    detail: { asked: [{ text, question: 'Make these changes?' }] },
  });
});

test('a question that says it all itself is shown once, and where there is none nobody is refused', () => {
  const { stdout, stderr } = asking([{ id: 'x', text: '', question: 'Delete all mail of a@example.org for good?' }]);
  assert.equal(stderr, '');
  assert.match(stdout, /no terminal to ask at: Delete all mail of a@example\.org for good\?"/);
  assert.deepEqual(asking([]), { stdout: '{"code":"0"}\n', stderr: '' });
});
