import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { hostileValues, sorted } from './hostile.lab.ts';
import { renderMapCf } from './postfix.ts';
import { ref, type Row, template } from './types.ts';

const SEED = 20;
/** mysql_table(5) expands `result_format` as it does `query`; the marks tell the answers of the maps apart. */
const rows = (value: string, index: number): readonly Row[] => [
  { set: 'hosts', to: 'unix:/tmp/db/sock' },
  { set: 'user', to: 'root' },
  { set: 'dbname', to: 'mysql' },
  { set: 'query', to: template`SELECT '${ref('s')}'` },
  { set: 'result_format', to: template`<${index}:${ref('s')}:${value}:${index}>` },
];
const { held, refused } = sorted(hostileValues(SEED, 1300, 500), (value) => renderMapCf(rows(value, 0), '3.7'));

test(`map files refuse line breaks and NUL (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} values held`);
  for (const value of refused) assert.match(value, /[\n\r\0]/);
});

const SERVER = `mkdir -p /tmp/db && chown mysql /tmp/db && mariadb-install-db --user=mysql --datadir=/tmp/db/data --skip-test-db --auth-root-authentication-method=normal >/dev/null 2>&1
  mariadbd --no-defaults --user=mysql --datadir=/tmp/db/data --skip-networking --socket=/tmp/db/sock --skip-grant-tables --skip-log-bin >/dev/null 2>&1 &
  until mariadb-admin --socket=/tmp/db/sock ping >/dev/null 2>&1; do kill -0 $! || exit 1; sleep 0.1; done`;

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${held.length} values come back from mysql maps on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const maps = held.map((value, index): readonly [string, string] => [`/tmp/maps/${index}.cf`, renderMapCf(rows(value, index), '3.7').join('')]);
    await room.put({ ...Object.fromEntries(maps), '/etc/postfix/main.cf': 'compatibility_level = 3.6\n' });
    const unions = Array.from({ length: Math.ceil(maps.length / 50) }, (_, at) =>
      maps
        .slice(at * 50, at * 50 + 50)
        .map(([path]) => `mysql:${path}`)
        .join(', '),
    );
    const asked = unions.map((union) => `postmap -q key 'unionmap:{ ${union} }'`).join('\n');
    const ran = await room.run(['sh', '-ec', `${SERVER}\n${asked}\nkill -9 $!`]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(
      held.filter((value, index) => !ran.stdout.includes(`<${index}:key:${value}:${index}>`)),
      [],
    );
  });
}
