import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { checker } from '#lab';
import { renderDovecot, renderDovecotSql } from './dovecot.ts';
import { hostileValues, sorted } from './hostile.lab.ts';
import { type Node, ref, template, verbatim } from './types.ts';

const SEED = 21;
/** A backslash or a quote within an SQL string is the query's business; NUL and line breaks do not reach it. */
const sqlText = (value: string): string => `'${value.replace(/[\\']/g, '\\$&')}'`;
const { held } = sorted(hostileValues(SEED, 1500, 500), (value) => renderDovecotSql([{ set: 'user_query', to: value }], '2.3.19'));
const values = held.slice(0, 1000);

const SERVERS = `mkdir -p /tmp/db && chown mysql /tmp/db && mariadb-install-db --user=mysql --datadir=/tmp/db/data --skip-test-db --auth-root-authentication-method=normal >/dev/null 2>&1
  mariadbd --no-defaults --user=mysql --datadir=/tmp/db/data --skip-networking --socket=/tmp/db/sock --skip-grant-tables --skip-log-bin >/dev/null 2>&1 &
  until mariadb-admin --socket=/tmp/db/sock ping >/dev/null 2>&1; do kill -0 $! || exit 1; sleep 0.1; done
  dovecot -c /tmp/dovecot.conf; until test -S /run/dovecot/auth-userdb; do sleep 0.05; done
  doveadm -c /tmp/dovecot.conf user -u tester; code=$?; dovecot -c /tmp/dovecot.conf stop; kill -9 $!; exit $code`;

test(`${values.length} values reach the database through dovecot-sql.conf.ext of 2.3 (seed ${SEED})`, async () => {
  await using room = await checker('bookworm');
  // A worker's answer holds 8192 octets at most: hashes of twenty values each.
  const groups = Array.from({ length: values.length / 20 }, (_, index) => values.slice(index * 20, index * 20 + 20));
  const fields = groups.map((group, index) => `MD5(CONCAT_WS('|', ${group.map(sqlText).join(', ')})) AS f${index}`).join(', ');
  const sql = renderDovecotSql(
    [
      { set: 'driver', to: 'mysql' },
      { set: 'connect', to: verbatim('host=/tmp/db/sock dbname=mysql user=root') },
      { set: 'user_query', to: template`SELECT 100 AS uid, 100 AS gid, '/tmp' AS home, '${ref('Lu')}' AS who, ${fields}` },
    ],
    '2.3.19',
  );
  const nodes: Node[] = [
    { set: 'log_path', to: '/dev/stderr' },
    { set: 'protocols', to: '' },
    { set: 'ssl', to: false },
    { block: 'passdb', rows: [{ set: 'driver', to: 'static' }] },
    {
      block: 'userdb',
      rows: [
        { set: 'driver', to: 'sql' },
        { set: 'args', to: '/tmp/sql.conf' },
      ],
    },
  ];
  await room.put({ '/tmp/dovecot.conf': renderDovecot(nodes, '2.3.19').join(''), '/tmp/sql.conf': sql.join('') });
  const ran = await room.run(['sh', '-c', SERVERS]);
  assert.equal(ran.code, 0, ran.stdout.slice(0, 500) + ran.stderr);
  const got = new Map([...ran.stdout.matchAll(/^ *(\w+) *[:\t] *(.*)$/gm)].map((match) => [match[1], match[2]] as const));
  assert.equal(got.get('who'), 'tester', ran.stdout.slice(0, 300));
  assert.deepEqual(
    groups.map((_, index) => got.get(`f${index}`)),
    groups.map((group) => createHash('md5').update(group.join('|')).digest('hex')),
  );
});
