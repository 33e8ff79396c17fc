/**
 * D1 to D4: the database of a machine that was set up by the original's text comes to a machine of ours in the two ways that there are. On
 * Debian 12 it is there, in Debian's own MariaDB, before the first `up`; on Debian 13 it takes the place of another while the server is
 * down. Nothing is lost, and everybody has mail as before.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  allRun,
  boot,
  bothAre,
  fromKeys,
  HAUSPOST,
  type Image,
  type Kind,
  launched,
  type Login,
  type Machine,
  type Outside,
  outside,
  type Release,
  served,
  serverOn,
  signatures,
} from '../index.ts';
import { DOMAIN, ROWS, SCHEMA } from '../how-to/index.ts';
import { goesTo, type Look, mayUse, NOBODY, quotaOf, rcpt, reads, type Scene, SENDS_ONLY, submits, TAKEN } from '../looks.ts';
import { answered, exits, generations, type Plan } from '../operator.ts';
import { received } from '../signing.ts';
import { sql } from '../sql.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
const login = (user: string): Login => ({ user, pass: `${user.split('@')[0]}-password` });
const ONE = login(`one@${DOMAIN}`);
const TWO = login(`two@${DOMAIN}`);
const ANNA = login('anna@second.test');
const ROBOT = login(`robot@${DOMAIN}`);
const RETIRED = login(`retired@${DOMAIN}`);

const TABLES = ['domains', 'accounts', 'aliases', 'tlspolicies'].map((table) => `SELECT * FROM vmail.${table} ORDER BY id;`).join('\n');

/** What a person has who backed the original machine up. */
const COPY = '/root/original.sql';

/** Every column of every row. */
const everything = (machine: Machine): Promise<string> => done(machine, ['mariadb', '--table'], TABLES);

const LOOKS: readonly (readonly [string, Look, string])[] = [
  ['one reads', reads(ONE.user, ONE.pass), 'yes'],
  ['two reads, whose hash names no scheme', reads(TWO.user, TWO.pass), 'yes'],
  ['anna reads', reads(ANNA.user, ANNA.pass), 'yes'],
  ['anna reads, as the domain is written', reads('Anna@Second.test', ANNA.pass), 'yes'],
  ['a wrong password does not', reads(ONE.user, TWO.pass), 'no'],
  ['robot does not', reads(ROBOT.user, ROBOT.pass), 'no'],
  ['robot submits', submits(ROBOT.user, ROBOT.pass), 'yes'],
  ['retired neither reads', reads(RETIRED.user, RETIRED.pass), 'no'],
  ['nor submits', submits(RETIRED.user, RETIRED.pass), 'no'],
  ["one's quota", quotaOf(ONE.user, ONE.pass), '2048 MB'],
  ["two's quota", quotaOf(TWO.user, TWO.pass), 'none'],
  ["anna's quota", quotaOf(ANNA.user, ANNA.pass), '1024 MB'],
  ['robot receives nothing', rcpt(ROBOT.user), SENDS_ONLY],
  ['an alias that is off', rcpt(`off@${DOMAIN}`), NOBODY],
  ['nobody', rcpt(`nobody@${DOMAIN}`), NOBODY],
  ['one gets mail', goesTo(ONE.user), ONE.user],
  ['two gets mail, whose name is written with a capital', goesTo(TWO.user), TWO.user],
  ['an alias', goesTo(`alias@${DOMAIN}`), ONE.user],
  ['an alias to outside', goesTo(`away@${DOMAIN}`), 'Friend@outside.test'],
  ['many', goesTo(`team@${DOMAIN}`), `${ANNA.user} ${ONE.user}`],
  ['the postmaster', goesTo(`postmaster@${DOMAIN}`), ONE.user],
  ['the catch-all', goesTo('whoever@second.test'), TWO.user],
  ['an account beside the catch-all', goesTo(ANNA.user), ANNA.user],
  ['one may send as his alias', mayUse(`alias@${DOMAIN}`, ONE.user, ONE.pass), 'yes'],
];

const done = async (machine: Machine, argv: readonly string[], input = ''): Promise<string> => {
  const { code, stdout, stderr } = await machine.run(argv, { ms: 600_000, input });
  assert.equal(code, 0, `${argv.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};

interface Way {
  readonly from: (kind: Kind) => Promise<Image>;
  /** Makes MariaDB run, without Hauspost and without a database of ours. */
  readonly prepare: (machine: Machine) => Promise<void>;
}

const WAYS: Readonly<Record<Release, Way>> = {
  bookworm: {
    from: launched,
    prepare: async (machine) => {
      await machine.checkout();
      await done(machine, ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-qy', '--no-install-recommends', 'mariadb-server']);
    },
  },
  trixie: {
    from: served,
    prepare: async (machine) => {
      await allRun(machine);
      await done(machine, [HAUSPOST, 'down']);
      await done(machine, ['systemctl', 'start', 'mariadb']);
      await done(machine, ['mariadb', '--execute', 'DROP DATABASE vmail']);
    },
  },
};

for (const release of RELEASES) {
  describe(release, () => {
    let machine: Machine;
    let scene: Scene;
    let abroad: Outside;
    let rows: string;
    before(async () => {
      const { from, prepare } = WAYS[release];
      machine = await boot({ image: await from({ release, init: 'systemd' }) });
      await prepare(machine);
      for (const statements of [SCHEMA, ROWS]) await done(machine, ['mariadb'], statements);
      rows = await everything(machine);
      await done(machine, ['sh', '-c', `mariadb-dump vmail >${COPY}`]);
      const begun = performance.now();
      const up = await machine.run([HAUSPOST, 'up', '--yes'], { ms: 600_000 });
      assert.equal(up.code, 1, up.stderr);
      const unread = /its self-test failed: postmaster \(nobody here receives the mail of the postmaster, demo@hauspost\.test, since [^;]*\)\n/;
      assert.match(up.stderr, unread, 'nobody there is the postmaster, and nobody was added');
      console.log(`    up took ${((performance.now() - begun) / 1000).toFixed(0)} s`);
      abroad = await outside(machine);
      scene = { server: await serverOn(machine, ONE), abroad };
    });
    after(async () => {
      await abroad?.[Symbol.asyncDispose]();
      await machine?.[Symbol.asyncDispose]();
    });

    test('D4: Rspamd is shown the keys once more when all run: one of its processes may have missed them as it started', async () => {
      // The one is made when the service that comes last starts, the other when the map is put there (stat(1): birth; dkim-keys touches what lies there).
      const [started, shown] = await Promise.all(
        ['/run/systemd/units/invocation:hauspost-upkeep.service', '/var/lib/rspamd/dkim/selectors.map'].map(async (file) =>
          Number((await done(machine, ['stat', '--format=%.W', file])).trim()),
        ),
      );
      assert.ok(started !== undefined && shown !== undefined && started > 0 && shown > started, `${shown} after ${started}`);
    });

    test('D4: every row is what it was, no account was added, and the columns are as they are everywhere', async () => {
      assert.match(rows, /\| {2}1 \| mysystems\.test/);
      assert.equal(await everything(machine), rows);
      const collations =
        "SELECT DISTINCT COLLATION_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'vmail' AND TABLE_NAME <> 'hauspost_migrations' AND COLUMN_NAME REGEXP 'domain$|username$' AND TABLE_NAME NOT LIKE '%\\\\_v_'";
      assert.equal(await sql(machine, collations), 'utf8mb4_uca1400_nopad_as_ci\n');
    });

    describe('people', { concurrency: 4 }, () => {
      for (const [what, look, expected] of LOOKS) {
        test(`D1: ${what}: ${expected}`, async () => {
          assert.equal(await look(scene), expected);
        });
      }
    });

    test('M14: mail of its domains is signed', async () => {
      const { server } = scene;
      for (const who of [ONE, ANNA]) {
        const source = await received(server, server.client(465, who), who.user, `signed-${who.user.split('@')[1]}`);
        assert.deepEqual(await signatures(source, fromKeys(machine)), bothAre(who.user.split('@')[1] ?? ''));
      }
    });

    test('D1: a tool that knows the old password of the database goes on working', async () => {
      const tool = ['mariadb', '--user=vmail', '--password=vmaildbpass', 'vmail'];
      const statement = `insert into aliases (source_username, source_domain, destination_username, destination_domain, enabled) values ('new', '${DOMAIN}', 'one', '${DOMAIN}', true)`;
      assert.equal(await rcpt(`new@${DOMAIN}`)(scene), NOBODY);
      assert.equal((await machine.run(tool, { input: statement })).code, 0);
      assert.equal(await rcpt(`new@${DOMAIN}`)(scene), TAKEN);
    });

    /** `undo` is what somebody does to the database while all daemons run, `asked` what plan says of it; apply mends it, at once for everybody. */
    const mended = async (undo: string, asked: readonly string[], drift: readonly string[] = []): Promise<void> => {
      const { server } = scene;
      const numbers = await generations(server);
      await done(machine, ['sh', '-c', undo]);
      const { code, document } = await answered<Plan>(server, 'plan');
      assert.deepEqual([code, document.changes.map(({ kind, action, target }) => `${kind} ${action} ${target}`)], [2, asked]);
      assert.deepEqual((await answered<{ drift: unknown }>(server, 'status')).document.drift, drift);
      await exits(server, 3, 'apply'); // a question
      await exits(server, 0, 'apply', '--yes');
      assert.equal(await rcpt(ONE.user)(scene), TAKEN);
      assert.equal(await reads(ONE.user, ONE.pass)(scene), 'yes');
      await exits(server, 0, 'plan');
      const again = await answered<{ applied: boolean }>(server, 'apply');
      assert.deepEqual([again.code, again.document.applied], [0, false]);
      assert.deepEqual(await generations(server), numbers, 'what a generation holds is as it was');
    };
    const migrations = (...names: readonly string[]): readonly string[] => names.map((name) => `migration migrate ${name}`);

    test('D4: the copy of the original machine put back under running daemons: plan says what it lacks, apply brings it up to date', async () => {
      const { server } = scene;
      const drop = 'SET FOREIGN_KEY_CHECKS = 0; DROP TABLE accounts, aliases, tlspolicies, domains';
      await mended(`mariadb vmail -e '${drop}' && mariadb vmail <${COPY}`, migrations('addresses', 'indexes'));
      assert.equal(await everything(machine), rows);
      const all = migrations('tables', 'addresses', 'indexes', 'views', 'logins', 'login-clients', 'known-clients', 'wrong-passwords');
      await done(machine, ['mariadb', '-e', 'DROP DATABASE vmail']);
      const { code, document } = await answered<{ error: { code: string; remedy: string } }>(server, 'account', 'list');
      assert.deepEqual([code, document.error.code, document.error.remedy], [4, 'directory.absent', "Run 'hauspost apply'."]);
      assert.match(await rcpt(ONE.user)(scene), /^451 /);
      assert.match((await exits(server, 2, 'plan')).stdout, /^migrate the database: tables {2}\(reload postfix\)$/m);
      await mended(`mariadb -e "CREATE DATABASE vmail CHARACTER SET 'utf8'" && mariadb vmail <${COPY}`, all);
      assert.equal(await everything(machine), rows);
    });

    test('D4: a step that is written down and gone, or there and not written down, is made again', async () => {
      await done(machine, ['mariadb', '-e', 'DROP VIEW vmail.accounts_v1']);
      assert.match(await rcpt(ONE.user)(scene), /^451 /);
      await mended(
        'mariadb -e "DELETE FROM vmail.hauspost_migrations WHERE number = 3; DROP FUNCTION vmail.login_failed_v2"',
        [...migrations('indexes', 'views', 'wrong-passwords'), 'grant grant dovecot on login_failed_v2'],
        ['dovecot on login_failed_v2'],
      );
    });

    test('D4: rights that somebody took, gave or lost are seen where they are held, and set right', async () => {
      await done(machine, ['mariadb', '-e', 'REVOKE SELECT ON vmail.domains_v1 FROM postfix@localhost']);
      assert.match(await rcpt(ONE.user)(scene), /^451 /);
      await mended(
        'mariadb -e "REVOKE SELECT ON vmail.logins_v1 FROM dovecot@localhost; GRANT SELECT ON vmail.accounts TO dovecot@localhost"',
        ['grant grant postfix on domains_v1', 'grant grant dovecot on logins_v1', 'grant revoke dovecot on SELECT vmail.accounts'],
        ['postfix on domains_v1', 'dovecot on logins_v1', 'dovecot on SELECT vmail.accounts'],
      );
      const RIGHTS = ['mailboxes_v1', 'logins_v1', 'login_refused_v3', 'login_failed_v2', 'login_succeeded_v1'].map((on) => `dovecot on ${on}`);
      await mended(
        'mariadb -e "DROP USER dovecot@localhost"',
        ['grant change account dovecot', ...RIGHTS.map((right) => `grant grant ${right}`)],
        ['account dovecot', ...RIGHTS],
      );
    });
  });
}
