import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header } from './text.ts';
import { lines, type Node, ref, template } from './types.ts';
import { renderUcl } from './ucl.ts';

const ucl = (...nodes: Node[]): string => renderUcl(nodes, '3.4').join('').slice(header().length);

test('strings, numbers, lists, blocks', () => {
  assert.equal(ucl({ set: 'a', to: ['b', 1, true] }), 'a = ["b", 1, true];\n');
  assert.equal(ucl({ set: 'a.b', to: 'x\n"\\' }), '"a.b" = "x\\n\\"\\\\";\n');
  assert.equal(ucl({ set: 'a', to: template`${ref('DBDIR')}/x` }), 'a = "${DBDIR}/x";\n');
  assert.equal(
    ucl({ block: 'upstream', name: 'local', rows: [{ set: 'default', to: true, why: 'only one' }] }),
    'upstream "local" {\n  # only one\n  default = true;\n}\n',
  );
  assert.equal(ucl({ set: 'bind_socket', to: lines('a', 'b') }), 'bind_socket = "a";\nbind_socket = "b";\n');
});

test('neither a template nor a NUL gets in', () => {
  assert.doesNotMatch(ucl({ set: 'a', to: '{= x =}{% y %}{# z #}' }), /\{[=%#]/);
  assert.throws(() => ucl({ set: 'a', to: 'a\0b' }), { code: 'format.cannot-hold' });
});
