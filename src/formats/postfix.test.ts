import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header } from './text.ts';
import { renderMainCf, renderMapCf } from './postfix.ts';
import { ref, type Row, template, verbatim } from './types.ts';

const mainCf = (...rows: Row[]): string => renderMainCf(rows, '3.7.11').join('').slice(header().length);

test('main.cf: values, references, literal dollars, reasons', () => {
  assert.equal(mainCf({ set: 'myorigin', to: ref('myhostname'), why: 'said once' }), '# said once\nmyorigin = $myhostname\n');
  assert.equal(mainCf({ set: 'cache', to: template`lmdb:${ref('data_directory')}/a$b` }), 'cache = lmdb:${data_directory}/a$$b\n');
  assert.equal(
    mainCf({ set: 'mydestination', to: '' }, { set: 'biff', to: false }, { set: 'size', to: 52428800 }),
    'mydestination =\nbiff = no\nsize = 52428800\n',
  );
  assert.equal(mainCf({ set: 'a', to: '$x # "y" = \\' }), 'a = $$x # "y" = \\\n');
  assert.equal(mainCf({ set: 'a', to: verbatim('$x') }), 'a = $x\n');
});

test('main.cf: lists, folded when they are long', () => {
  assert.equal(
    mainCf({ set: 'l', to: ['permit', 'check_policy_service { unix:x, timeout=5s }', ref('mua')] }),
    'l = permit, check_policy_service { unix:x, timeout=5s }, $mua\n',
  );
  const long = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(30));
  assert.equal(mainCf({ set: 'l', to: long }), `l =\n    ${long.join(',\n    ')}\n`);
  assert.throws(() => mainCf({ set: 'l', to: ['a, b'] }), {
    code: 'format.cannot-hold',
    message: 'the value of l holds a comma, which a list in main.cf cannot hold there',
  });
  assert.throws(() => mainCf({ set: 'l', to: ['{ a'] }), { code: 'format.cannot-hold' });
});

test('main.cf: what it cannot hold is refused by name', () => {
  for (const [text, what] of [
    ['a\nb', 'a line break'],
    ['a\0b', 'a NUL character'],
    [' a', 'a blank at its beginning'],
    ['a\t', 'a blank at its end'],
    ['a\rb', 'a carriage return'],
  ] as const) {
    assert.throws(() => mainCf({ set: 'mail_name', to: text }), {
      code: 'format.cannot-hold',
      message: `the value of mail_name holds ${what}, which main.cf cannot hold there`,
    });
  }
  assert.throws(() => mainCf({ set: 'a', to: { secret: 's' } }), { code: 'bug' });
  assert.throws(() => mainCf({ set: 'a b', to: '' }), { code: 'bug' });
});

test('map files: literal percent, references, secrets', () => {
  const rows: Row[] = [
    { set: 'password', to: { secret: 'db' } },
    { set: 'query', to: template`SELECT a FROM t WHERE u = '${ref('u')}' AND x LIKE '5%'` },
    { set: 'user', to: verbatim('a%b') },
  ];
  assert.deepEqual(renderMapCf(rows, '3.10').slice(1), [{ secret: 'db' }, "\nquery = SELECT a FROM t WHERE u = '%u' AND x LIKE '5%%'\nuser = a%b\n"]);
});
