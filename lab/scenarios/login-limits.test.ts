/**
 * M27, profile public: wrong passwords are limited by client (IPv6 by /64) and by account, right ones are not, and what an account may
 * send is limited as well. Clients with many addresses, in a network with the server.
 */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type Addresses,
  allRun,
  boot,
  HAUSPOST,
  type Host,
  type Login,
  type Machine,
  nameServer,
  network,
  PUBLIC,
  readyOn,
  type Release,
  type Reply,
  servedPublic,
  type TlsTrust,
  until,
} from '../index.ts';
import { BY, type Outcome, type Service, submitting } from '../parts/login-tries.ts';
import { wrongPasswords } from '../parts/wrong-passwords.ts';
import { ok } from '../people.ts';

const MAY_SEND = 20;
const NAMES: Addresses = { v4: '198.18.0.53', v6: '2001:2::53' };
const CONFIG = `
[resolver]
forwarders = ["${NAMES.v4}"]
[outgoing]
recipients_per_hour = ${MAY_SEND}
`;

const range = (first: number, last: number): readonly number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const account = (name: string): Login => ({ user: `${name}@${PUBLIC.domain}`, pass: `right-of-${name}` });
const [ANNA, BEN, CARL, MIA, SPAMMER] = ['anna', 'ben', 'carl', 'mia', 'spammer'].map(account) as [Login, Login, Login, Login, Login];
const [DORA, ERIK] = [account('dora'), account('erik')];
const wrong = ({ user }: Login, number: number): Login => ({ user, pass: `wrong-${number}` });
/** Each test guesses at another account, which need not exist. */
const guesses = (name: string, first: number, last: number): readonly Login[] => range(first, last).map((number) => wrong(account(name), number));

const v4 = (last: number): string => `198.18.3.${last}`;
const v6 = (net: number, last: number): string => `2001:2:0:${net.toString(16)}::${last.toString(16)}`;
const LONELY = Array.from({ length: 30 }, (_, index) => `198.18.4.${index + 1}`);
const ADDRESSES = [...Array.from({ length: 30 }, (_, index) => v4(index + 1)), ...LONELY, ...[v6(1, 1), v6(1, 2), v6(1, 3), v6(2, 1)]];

interface Place extends AsyncDisposable {
  readonly machine: Machine;
  readonly clients: Host;
  readonly trust: TlsTrust;
}

const shell = async (machine: Machine, script: string, input = ''): Promise<string> =>
  ok(await machine.run(['sh', '-c', script], { input, ms: 240_000 })).stdout;

const arrange = async (release: Release): Promise<Place> => {
  const machine = await boot({ image: await servedPublic({ release, init: 'systemd' }) });
  const lan = await network();
  await lan.join(machine, PUBLIC.addresses);
  await allRun(machine);
  const names = await nameServer(await lan.host('ns.client.example', NAMES), NAMES.v4, []);
  const clients = await lan.host('clients', { v4: '198.18.2.254', v6: '2001:2::2fe' });
  for (const address of ADDRESSES) {
    const bits = address.includes(':') ? 48 : 16;
    ok(await clients.run(['ip', 'address', 'add', `${address}/${bits}`, 'dev', 'host0', 'nodad']));
  }
  await shell(machine, 'ip -6 route replace 2001:2::/32 dev host0');
  await shell(machine, 'cat >>/etc/hauspost/hauspost.toml', CONFIG);
  const { run: hauspost } = readyOn(machine);
  ok(await hauspost(['apply', '--yes']));
  // What tells wrong passwords apart is too short never to err; with this it does not.
  await shell(machine, `mariadb vmail -e "UPDATE login_secret SET octets = REPEAT('x', 32)"`);
  for (const { user, pass } of [ANNA, BEN, CARL, DORA, ERIK, SPAMMER]) ok(await hauspost(['account', 'add', user, '--password-stdin'], `${pass}\n`));
  const cheap = (await shell(machine, `doveadm pw -s SHA512-CRYPT -r 1000 -p ${MIA.pass}`)).trim();
  ok(await hauspost(['account', 'add', MIA.user, '--password-hash-stdin'], `${cheap}\n`));
  return {
    machine,
    clients,
    trust: { ca: await shell(machine, 'cat /var/lib/hauspost/tls/ca.pem'), servername: PUBLIC.hostname },
    [Symbol.asyncDispose]: async () => {
      await names[Symbol.asyncDispose]();
      await lan[Symbol.asyncDispose]();
      await machine[Symbol.asyncDispose]();
    },
  };
};

interface Ban {
  readonly kind: string;
  readonly who: string;
  readonly failures: number;
  readonly until: string;
}

for (const release of ['bookworm', 'trixie'] as const) {
  describe(release, () => {
    let place: Place;
    before(async () => {
      place = await arrange(release);
    });
    after(() => place?.[Symbol.asyncDispose]());

    const tries = (login: Login, from: string, by: Service = 'imap'): Promise<Outcome> =>
      BY[by](from.startsWith('127.') || from === '::1' ? place.machine : place.clients, place.trust, login, from);
    /** At once; each is refused. */
    const fails = async (logins: readonly Login[], from: string, by: Service = 'imap'): Promise<void> => {
      const outcomes = await Promise.all(logins.map((login) => tries(login, from, by)));
      assert.deepEqual(new Set(outcomes), new Set(['refused']));
    };
    const hauspost = async (words: string): Promise<string> => ok(await readyOn(place.machine).run(words.split(' '))).stdout;

    test('client: nine wrong passwords are borne, after the tenth the right one is refused there, and nowhere else; whoever was in before goes on', async () => {
      await fails(guesses('dolf', 1, 9), v4(1));
      assert.equal(await tries(ANNA, v4(1)), 'in');
      await fails(guesses('dolf', 10, 10), v4(1));
      for (const service of ['imap', 'submission'] as const) {
        assert.equal(await tries(BEN, v4(1), service), 'refused', service);
        assert.equal(await tries(BEN, v4(2), service), 'in', service);
        assert.equal(await tries(ANNA, v4(1), service), 'in', service);
      }
    });

    test('client: of an account that was in from there the tenth of its own wrong passwords is the last, whatever others do', async () => {
      assert.equal(await tries(ERIK, v4(13)), 'in');
      await fails(guesses('olga', 1, 12), v4(13));
      await fails(
        range(1, 9).map((number) => wrong(ERIK, number)),
        v4(13),
      );
      assert.equal(await tries(ERIK, v4(13)), 'in');
      await fails(
        range(10, 19).map((number) => wrong(ERIK, number)),
        v4(13),
      );
      assert.equal(await tries(ERIK, v4(13)), 'refused');
      await hauspost(`ban lift ${v4(13)}`);
      assert.equal(await tries(ERIK, v4(13)), 'in');
    });

    test('client: of IPv6 a /64 counts as one, the next /64 as another', async () => {
      await fails(guesses('emil', 1, 5), v6(1, 1));
      await fails(guesses('emil', 6, 10), v6(1, 2));
      assert.equal(await tries(BEN, v6(1, 3)), 'refused');
      assert.equal(await tries(BEN, v6(2, 1)), 'in');
    });

    test('client: IMAP, submission and ManageSieve count together, and all refuse', async () => {
      await fails(guesses('fred', 1, 4), v4(3), 'imap');
      await fails(guesses('fred', 5, 7), v4(3), 'submission');
      await fails(guesses('fred', 8, 10), v4(3), 'sieve');
      for (const service of ['imap', 'submission', 'sieve'] as const) {
        assert.equal(await tries(BEN, v4(3), service), 'refused', service);
        assert.equal(await tries(BEN, v4(4), service), 'in', service);
      }
    });

    test('client: names that nobody has count, too, however long', async () => {
      const nobody = (number: number): Login => ({ user: `${'n'.repeat(number > 9 ? 300 : 3)}${number}@${PUBLIC.domain}`, pass: 'summer-2026' });
      await fails(range(1, 10).map(nobody), v4(5));
      assert.equal(await tries(BEN, v4(5)), 'refused');
    });

    test('client: one wrong password counts once, as often as a forgotten phone may try it', async () => {
      await fails(
        range(1, 40).map(() => wrong(account('hugo'), 1)),
        v4(6),
      );
      assert.equal(await tries(BEN, v4(6)), 'in');
    });

    test('client: whoever gets in has his own mistakes forgotten', async () => {
      for (const round of [0, 1]) {
        await fails(
          range(1, 9).map((number) => wrong(ANNA, number + 10 * round)),
          v4(7),
        );
        assert.equal(await tries(ANNA, v4(7)), 'in');
      }
    });

    const sql = (statement: string): Promise<string> => shell(place.machine, `mariadb -N vmail -e "${statement}"`);
    wrongPasswords({ tries, fails, hauspost, sql }, BEN, account('kurt').user, [v4(15), v4(16)]);
    test('client: programs on the machine itself, such as a webmail, are not limited', async () => {
      for (const own of ['127.0.0.5', '::1']) {
        await fails(guesses('gert', 1, 12), own);
        assert.equal(await tries(BEN, own), 'in');
      }
      assert.doesNotMatch(await hauspost('ban list'), /^(?:::|127\.)/m);
    });

    test('account: guessed at from thirty addresses it is refused at a new one, but not where its owner was before', async () => {
      assert.equal(await tries(CARL, v4(8)), 'in');
      await Promise.all(LONELY.slice(1).map((from, number) => fails([wrong(CARL, number)], from)));
      assert.equal(await tries(CARL, v4(9)), 'in');
      await fails([wrong(CARL, 99)], LONELY[0] ?? '');
      assert.equal(await tries(CARL, v4(10)), 'refused');
      assert.equal(await tries(CARL, v4(10), 'submission'), 'refused');
      assert.equal(await tries(CARL, v4(8)), 'in');
      assert.equal(await tries(CARL, v4(9)), 'in');
      assert.equal(await tries(BEN, v4(10)), 'in');
    });

    test('ban list names who is refused and until when; ban lift ends it at once', async () => {
      const bans = JSON.parse(await hauspost('ban list --json')) as readonly Ban[];
      assert.deepEqual(
        bans.map(({ kind, who, failures }) => `${kind} ${who} ${failures}`).toSorted(),
        [`client ${v4(1)} 10`, `client ${v4(3)} 10`, `client ${v4(5)} 10`, 'client 2001:2:0:1::/64 10', `account ${CARL.user} 30`].toSorted(),
      );
      const now = Number(await shell(place.machine, 'date +%s')) * 1000;
      for (const { until: end } of bans) assert.ok(Date.parse(end) > now && Date.parse(end) <= now + 3_600_000, end);
      const shown = await hauspost('ban list');
      assert.match(shown, /^2001:2:0:1::\/64 +10 +20[0-9-]+ [0-9:]+$/m);
      // Whoever guesses chooses the name; what is shown of it lifts it as well.
      const odd = `mariadb vmail -e "INSERT INTO login_failures (client, username, domain, trace, at) SELECT '192.0.2.9', '$1', '', seq, UTC_TIMESTAMP() FROM seq_1_to_30"`;
      for (const name of ['admin', '.x&reboot']) {
        assert.equal((await place.machine.run(['sh', '-c', odd, 'sh', name])).code, 0);
        const [, word = ''] = /^(\S*(?:admin|reboot)\S*) +30 /m.exec(await hauspost('ban list')) ?? [];
        assert.match(
          await shell(place.machine, `${HAUSPOST} ban lift ${word}`),
          new RegExp(`${name}@ may try again; 30 wrong passwords are forgotten`),
        );
      }
      const notRefused = async (who: string): Promise<string> => {
        const { code, stderr } = await readyOn(place.machine).run(['ban', 'lift', who]);
        assert.equal(code, 3, stderr);
        return stderr;
      };
      assert.match(
        await notRefused(v4(29)),
        /: 198\.18\.3\.29 is not refused: .*; 198\.18\.3\.1, 198\.18\.3\.3, 198\.18\.3\.5, near it, are refused$/m,
      );
      assert.match(await notRefused('2001:2::99'), /: 2001:2::\/64 is not refused: .*; 2001:2:0:1::\/64, near it, is refused$/m);
      assert.match(
        await notRefused('203.0.113.9'),
        /: 203\.0\.113\.9 is not refused: no wrong password is counted for it\n.*'hauspost ban list' shows who is/m,
      );
      await hauspost(`ban lift ${v4(1)}`);
      assert.equal(await tries(BEN, v4(1)), 'in');
      assert.equal(await tries(BEN, v4(3)), 'refused');
      assert.equal(await hauspost('ban lift 2001:2:0:1::9'), '2001:2:0:1::/64 may try again; 10 wrong passwords are forgotten.\n');
      assert.equal(await tries(BEN, v6(1, 3)), 'in');
      await hauspost(`ban lift ${CARL.user}`);
      assert.equal(await tries(CARL, v4(10)), 'in');
      const left = JSON.parse(await hauspost('ban list --json')) as readonly Ban[];
      assert.deepEqual(left.map(({ who }) => who).toSorted(), [v4(3), v4(5)]);
    });

    test('a wrong password counts for an hour', async () => {
      const age = (minutes: number): Promise<string> =>
        sql(`UPDATE login_failures SET at = UTC_TIMESTAMP() - INTERVAL ${minutes} MINUTE WHERE client = '${v4(3)}'`);
      await age(55);
      assert.equal(await tries(BEN, v4(3)), 'refused');
      await age(61);
      assert.equal(await tries(BEN, v4(3)), 'in');
    });

    /** So many questions begin at the same moment: behind a lock until all wait for it. Answers what was said of errors. */
    const atOnce = (table: string, question: string, count: number): Promise<string> => {
      const waiting = `SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting%' AND info LIKE 'SELECT login_%'`;
      const open = `BEGIN NOT ATOMIC WHILE (${waiting}) < ${count} DO DO SLEEP(0.05); END WHILE; END`;
      const gate = [`DELETE FROM ${table}`, `LOCK TABLES ${table} WRITE`, "SELECT 'closed'", open, 'UNLOCK TABLES'].join('//');
      const script = `cd "$(mktemp -d)"; mkfifo closed; mariadb --delimiter=// --unbuffered -N vmail -e "${gate}" >closed & read _ <closed
        for number in $(seq ${count}); do mariadb -N vmail -e "SELECT ${question}" 2>&1 >/dev/null & done; wait`;
      return shell(place.machine, script);
    };

    test('many logins at once after a quiet time: each is taken down', async () => {
      const rows = async (table: string): Promise<number> => Number(await sql(`SELECT COUNT(*) FROM ${table}`));
      assert.equal(await atOnce('login_failures', `login_failed_v2('${v4(14)}', 'dolf', '${PUBLIC.domain}', '$number', 3600)`, 16), '');
      assert.equal(await rows('login_failures'), 16);
      assert.equal(await atOnce('login_clients', `login_succeeded_v1('${v4(14)}', 'dolf$number', '${PUBLIC.domain}')`, 16), '');
      assert.equal(await rows('login_clients'), 16);
    });

    test('right ones: 300 a minute from one address, where others fail in between', async () => {
      const begun = performance.now();
      const batch = async (first: number): Promise<readonly Outcome[]> => {
        const [failed, ...right] = await Promise.all([
          tries(wrong(account('ida'), first % 8), v4(11)),
          ...range(1, 20).map((number) => tries(MIA, v4(11), number % 5 === 0 ? 'submission' : 'imap')),
        ]);
        assert.equal(failed, 'refused');
        return right;
      };
      const outcomes: Outcome[] = [];
      for (const first of range(1, 15)) outcomes.push(...(await batch(first)));
      const seconds = (performance.now() - begun) / 1000;
      console.log(`    300 right logins and 15 wrong ones in ${seconds.toFixed(0)} s`);
      assert.deepEqual([outcomes.length, new Set(outcomes)], [300, new Set(['in'])]);
      assert.ok(seconds < 180, `${seconds} s`);
    });

    test('nothing is complained of, and no password is in the log', async () => {
      const lines = (await place.machine.journal()).split('\n');
      // Dovecot 2.3 calls it an error that forty at once have to wait for a busy processor.
      const expected = /anvil-auth-penalty|Auth request was queued for \d+ seconds/;
      assert.deepEqual(
        lines.filter((line) => /dovecot.*(?:error|fatal|panic)/i.test(line) && !expected.test(line)),
        [],
      );
      assert.deepEqual(
        lines.filter((line) => /wrong-[0-9]|right-of-/.test(line)),
        [],
      );
    });

    let sent = 0;
    const sends = async (login: Login, recipients: readonly string[]): Promise<Reply> => {
      const { smtp, answer } = await submitting(place.clients, place.trust, login, v4(12));
      assert.equal(answer.code, 235);
      await smtp.command(`MAIL FROM:<${login.user}>`);
      for (const to of recipients) assert.equal((await smtp.command(`RCPT TO:<${to}>`)).code, 250, to);
      const lines = [`From: <${login.user}>`, `To: <${ANNA.user}>`, 'Subject: news', `Message-ID: <limit-${++sent}@${PUBLIC.domain}>`];
      const reply = await smtp.data([...lines, dated(), '', `Number ${sent} of the news.`, ''].join('\r\n'));
      smtp.close();
      return reply;
    };
    const several = (count: number): readonly string[] => range(1, count).map((number) => `anna+${number}@${PUBLIC.domain}`);
    const toPostmaster = async (): Promise<readonly string[]> => {
      const script = `cd /var/vmail/mailboxes/${PUBLIC.domain}/postmaster/mail && grep -rlF '${SPAMMER.user} sends more mail than it may' new cur || true`;
      return (await shell(place.machine, script)).split('\n').filter((file) => file !== '');
    };

    test(`sending: an account reaches ${MAY_SEND} recipients within an hour, and no more; others do`, async () => {
      for (const count of [1, 9, 10]) assert.equal((await sends(SPAMMER, several(count))).code, 250);
      for (const recipients of [several(1), [...several(1), `postmaster@${PUBLIC.domain}`], several(5)]) {
        const { code, lines } = await sends(SPAMMER, recipients);
        assert.equal(code, 451, lines.join(' '));
        assert.match(lines.join(' '), new RegExp(`More than ${MAY_SEND} recipients within an hour`));
      }
      assert.equal((await sends(BEN, several(MAY_SEND))).code, 250);
      assert.equal((await sends(BEN, several(1))).code, 451);
    });

    test('sending: what does not fit is not counted, what fits afterwards is taken', async () => {
      assert.equal((await sends(CARL, several(15))).code, 250);
      assert.equal((await sends(CARL, several(6))).code, 451);
      assert.equal((await sends(CARL, several(5))).code, 250);
      assert.equal((await sends(CARL, several(1))).code, 451);
    });

    test('sending: a message that has more than an hour allows is refused for good, and not counted', async () => {
      const { code, lines } = await sends(DORA, several(MAY_SEND + 1));
      assert.equal(code, 554, lines.join(' '));
      assert.match(lines.join(' '), new RegExp(`More than ${MAY_SEND} recipients at once`));
      assert.equal((await sends(DORA, several(MAY_SEND))).code, 250);
    });

    test('sending: where Redis is full to the brim the limit holds, and what is below it passes', async () => {
      const redis = 'redis-cli -s /run/redis/redis-server.sock';
      assert.equal((await sends(ANNA, several(15))).code, 250);
      // As on the smallest machine; then four times as much as it holds, as clients that are seen once.
      await shell(place.machine, `${redis} CONFIG SET maxmemory 64mb`);
      await shell(place.machine, `perl -e 'print "SET seen$_ ", "x" x 400, " EX 86400\\r\\n" for 1 .. 400000' | ${redis} --pipe`);
      const evicted = Number(/^evicted_keys:(\d+)/m.exec(await shell(place.machine, `${redis} INFO stats`))?.[1]);
      assert.ok(evicted > 100_000, String(evicted));
      for (const login of [SPAMMER, BEN, CARL]) assert.equal((await sends(login, several(1))).code, 451, login.user);
      assert.equal((await sends(ANNA, several(6))).code, 451);
      assert.equal((await sends(ANNA, several(5))).code, 250);
      assert.equal((await sends(ANNA, several(1))).code, 451);
    });

    test('sending: the postmaster is told once', async () => {
      await until('the postmaster has it', async () => ((await toPostmaster()).length > 0 ? true : undefined), 30_000, 200);
      await until('nothing is on its way', async () => (/is empty/.test(await shell(place.machine, 'postqueue -p')) ? true : undefined), 60_000, 200);
      const files = await toPostmaster();
      assert.equal(files.length, 1, files.join(' '));
      const text = await shell(place.machine, `cat '/var/vmail/mailboxes/${PUBLIC.domain}/postmaster/mail/${files[0]}'`);
      assert.match(text, new RegExp(`hauspost account passwd ${SPAMMER.user.replaceAll('.', '\\.')}`));
      assert.match(text, /^Auto-Submitted: auto-generated/m);
    });

    test('sending: when the hour is over it goes on', async () => {
      const redis = 'redis-cli -s /run/redis/redis-server.sock';
      const left = Number(await shell(place.machine, `${redis} TTL hauspost_sent_${SPAMMER.user}`));
      assert.ok(left > 0 && left <= 3600, String(left));
      await shell(place.machine, `${redis} EXPIRE hauspost_sent_${SPAMMER.user} 0`);
      assert.equal((await sends(SPAMMER, several(1))).code, 250);
    });

    test('M20: without Redis mail is not limited, with it back it is', async () => {
      await shell(place.machine, 'systemctl stop redis-server');
      assert.equal((await sends(BEN, several(2))).code, 250);
      await shell(place.machine, 'systemctl start redis-server');
      await until('it is limited', async () => ((await sends(BEN, several(MAY_SEND))).code === 451 ? true : undefined), 60_000, 500);
    });

    test('sending: 0 is no limit', async () => {
      await shell(place.machine, `sed -i 's/^recipients_per_hour = .*/recipients_per_hour = 0/' /etc/hauspost/hauspost.toml`);
      await hauspost('apply --yes');
      await until('it is not limited', async () => ((await sends(SPAMMER, several(MAY_SEND + 1))).code === 250 ? true : undefined), 60_000, 500);
      assert.equal((await sends(SPAMMER, several(MAY_SEND + 1))).code, 250);
    });
  });
}
