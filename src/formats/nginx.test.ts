import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header } from './text.ts';
import { renderNginx } from './nginx.ts';
import { lines, type Node, ref, template, verbatim } from './types.ts';

const nginx = (...nodes: Node[]): string => renderNginx(nodes, '1.22.1').join('').slice(header().length);

test('directives, arguments, repetition, blocks', () => {
  assert.equal(nginx({ set: 'listen', to: [443, 'ssl'] }), 'listen 443 ssl;\n');
  assert.equal(
    nginx({ set: 'proxy_set_header', to: lines(['Host', ref('host')], ['X-Real-IP', '']) }),
    'proxy_set_header Host $host;\nproxy_set_header X-Real-IP "";\n',
  );
  assert.equal(nginx({ set: 'return', to: [200, 'a"b\\c;\n{}'] }), 'return 200 "a\\"b\\\\c;\\n{}";\n');
  assert.equal(
    nginx({ set: 'return', to: [301, template`https://${ref('host')}${ref('request_uri')}`] }),
    'return 301 "https://${host}${request_uri}";\n',
  );
  assert.equal(nginx({ block: 'location', name: '= /x', rows: [{ set: 'gzip', to: false }] }), 'location = /x {\n  gzip off;\n}\n');
});

test('a literal dollar sign is refused where it would be expanded', () => {
  assert.throws(() => nginx({ set: 'return', to: [200, 'a$b'] }), { code: 'format.cannot-hold' });
  assert.equal(nginx({ set: 'server_name', to: verbatim('~x$') }), 'server_name "~x$";\n');
  assert.throws(() => nginx({ set: 'return', to: [200, 'x'.repeat(4001)] }), { code: 'format.cannot-hold' });
  assert.throws(() => nginx({ set: 'return', to: [200, '\0'] }), { code: 'format.cannot-hold' });
});
