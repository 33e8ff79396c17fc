import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header } from './text.ts';
import { lines, type Row } from './types.ts';
import { renderUnbound } from './unbound.ts';

const server = (...rows: Row[]): string =>
  renderUnbound([{ block: 'server', rows }], '1.17.1')
    .join('')
    .slice(`${header()}server:\n`.length);

test('options, lists as lines, several words on a line', () => {
  assert.equal(
    server({ set: 'interface', to: ['127.0.0.1', '::1'], why: 'loopback' }),
    '    # loopback\n    interface: "127.0.0.1"\n    interface: "::1"\n',
  );
  assert.equal(server({ set: 'access-control', to: lines(['::1/128', 'allow']) }), '    access-control: "::1/128" "allow"\n');
  assert.equal(server({ set: 'prefetch', to: true }, { set: 'num-threads', to: 2 }), '    prefetch: yes\n    num-threads: 2\n');
});

test('quotes of the kind that the value does not hold', () => {
  assert.equal(server({ set: 'identity', to: 'a "b"' }), '    identity: \'a "b"\'\n');
  assert.equal(server({ set: 'identity', to: "it's" }), '    identity: "it\'s"\n');
  assert.throws(() => server({ set: 'identity', to: '"\'' }), {
    code: 'format.cannot-hold',
    message: 'the value of server: identity holds both kinds of quotes, which unbound.conf cannot hold there',
  });
  assert.throws(() => server({ set: 'identity', to: 'a\\' }), { code: 'format.cannot-hold' });
  assert.throws(() => server({ set: 'identity', to: 'a\nb' }), { code: 'format.cannot-hold' });
});
