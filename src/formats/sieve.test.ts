import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header } from './text.ts';
import { renderSieve, type SieveScript, tag } from './sieve.ts';
import { ref } from './types.ts';

const sieve = (script: SieveScript): string => renderSieve(script).join('').slice(header().length);
const keep = { command: 'keep' };

test('commands, tests, blocks, reasons', () => {
  const script: SieveScript = {
    require: ['fileinto', 'mailbox'],
    commands: [
      {
        command: 'if',
        why: 'said by Rspamd',
        test: { test: 'header', arguments: [tag('is'), 'X-Spam', ['Yes', 'a"b\\']] },
        block: [{ command: 'fileinto', arguments: [tag('create'), 'Spam'] }, { command: 'stop' }],
      },
    ],
  };
  assert.equal(
    sieve(script),
    'require ["fileinto", "mailbox"];\n# said by Rspamd\nif header :is "X-Spam" ["Yes", "a\\"b\\\\"] {\n  fileinto :create "Spam";\n  stop;\n}\n',
  );
  const test = { test: 'anyof', tests: [{ test: 'true' }, { test: 'not', tests: [{ test: 'size', arguments: [tag('over'), 100] }] }] };
  assert.equal(sieve({ require: [], commands: [{ command: 'if', test, block: [keep] }] }), 'if anyof (true, not size :over 100) {\n  keep;\n}\n');
});

test('variables are said, never smuggled', () => {
  const redirect = (text: string, ...require: string[]): string => sieve({ require, commands: [{ command: 'redirect', arguments: [text] }] });
  assert.equal(redirect('${x}'), 'redirect "${x}";\n');
  assert.throws(() => redirect('${x}', 'variables'), { code: 'format.cannot-hold' });
  assert.equal(
    sieve({ require: ['variables'], commands: [{ command: 'redirect', arguments: [ref('x')] }] }),
    'require ["variables"];\nredirect "${x}";\n',
  );
  assert.throws(() => redirect('a\0'), { code: 'format.cannot-hold' });
});
