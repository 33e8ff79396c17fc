/** M15, M18, M20, M28: how large a message may be, how often it is tried, who hears that it came back, and what the log does not hold. */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetched, type Login, type Output, outside, type Server, until } from '../index.ts';
import { configure } from '../operator.ts';
import { announced, largestArrive, MB, sizesAreLimited, tries } from '../parts/sizes.ts';
import { ok, orders } from '../people.ts';
import { onEachRelease } from '../scenario.ts';

const ROBOT: Login = { user: 'robot@hauspost.test', pass: 'password-of-robot' };
const SUBJECT = 'Kzaphod-beeblebrox';

let sent = 0;
const text = (from: string): { readonly id: string; readonly source: string } => {
  const id = `<queue-${++sent}@outside.test>`;
  const head = [`From: <${from}>`, 'To: <demo@hauspost.test>', `Message-ID: ${id}`, dated(), `Subject: ${SUBJECT} ${sent}`];
  return { id, source: [...head, '', `Number ${sent}.`, ''].join('\r\n') };
};

const sizes = (get: () => Server): void => {
  sizesAreLimited(get);

  test('M10: a script that looks into the text in five ways, for what comes next', async () => {
    const sieve = await get().sieve();
    assert.equal((await sieve.login(get().demo)).status, 'OK');
    const looks = ['raw', 'text', 'content "text"', 'raw', 'text'].map((how, at) => `body :${how} :contains "nowhere ${at}"`);
    assert.equal((await sieve.put('looks', `require "body";\r\nif anyof (${looks.join(', ')}) { discard; }\r\n`)).status, 'OK');
    assert.equal((await sieve.command('SETACTIVE "looks"')).status, 'OK');
    sieve.close();
  });

  largestArrive(get);

  test('M10: and no script for what comes then', async () => {
    const sieve = await get().sieve();
    assert.equal((await sieve.login(get().demo)).status, 'OK');
    assert.equal((await sieve.command('SETACTIVE ""')).status, 'OK');
    sieve.close();
  });
};

/** The answer that is none of "later": so mail is told while the filter reads its configuration anew. */
const settled = (server: Server, octets: number): Promise<string> =>
  until(
    `an answer to ${octets} octets`,
    async () => {
      const said = await tries(server, octets);
      return said.startsWith('4') ? undefined : said;
    },
    30_000,
    500,
  );

/** Answers with the Message-ID. */
const submitted = async (server: Server, login: Login, to: string, as = login.user): Promise<string> => {
  const { id, source } = text(as);
  const smtp = await server.client(587, login);
  assert.equal((await smtp.command(`MAIL FROM:<${as}>`)).code, 250);
  assert.equal((await smtp.command(`RCPT TO:<${to}>`)).code, 250);
  assert.equal((await smtp.data(source)).code, 250);
  smtp.close();
  return id;
};

/** By a stranger, for the first account or another one. Answers with the Message-ID. */
const handedIn = async (server: Server, to = server.demo.user): Promise<string> => {
  const { id, source } = text('friend@outside.test');
  const smtp = await server.stranger();
  for (const line of ['MAIL FROM:<friend@outside.test>', `RCPT TO:<${to}>`]) assert.equal((await smtp.command(line)).code, 250);
  assert.equal((await smtp.data(source)).code, 250);
  smtp.close();
  return id;
};

interface Queued {
  readonly queue_name: string;
  readonly queue_id: string;
  readonly recipients: readonly { readonly address: string; readonly delay_reason?: string }[];
}

const waitingOn = async ({ machine }: Server): Promise<readonly Queued[]> =>
  ok(await machine.run(['postqueue', '-j']))
    .stdout.split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Queued]));

const later = (get: () => Server): void => {
  const shell = async (script: string, ...words: readonly string[]): Promise<string> =>
    ok(await get().machine.run(['sh', '-e', '-c', script, 'sh', ...words])).stdout;
  const waiting = async (to: string): Promise<Queued | undefined> =>
    (await waitingOn(get())).find(({ recipients }) => recipients.some(({ address }) => address === to));
  const putOff = (to: string): Promise<Queued> =>
    until(
      'it waits',
      async () => {
        const one = await waiting(to);
        return one?.queue_name === 'deferred' ? one : undefined;
      },
      30_000,
      100,
    );

  test('M15: who says "later" is asked again, by itself, and gets it once', async () => {
    const server = get();
    await using far = await outside(server.machine);
    const to = 'later-2@outside.test';
    // The same in seconds; all else is as it was applied.
    await shell('postconf -e minimal_backoff_time=2s maximal_backoff_time=4s queue_run_delay=2s; postfix reload');
    const id = await submitted(server, server.demo, to);
    // It is in that queue for seconds only; the journal keeps why.
    const reason = async (): Promise<string | undefined> =>
      /: to=<later-2@outside\.test>.* status=deferred \((.*)\)$/m.exec(await server.machine.journalSoFar())?.[1];
    assert.match(await until('it is put off', reason, 30_000, 100), /451 4\.3\.0 later/);
    await far.message(id, 60_000);
    await until('it has left the queue', async () => ((await waiting(to)) === undefined ? true : undefined), 30_000, 200);
    assert.deepEqual(far.putOff, [to, to]);
    assert.equal(far.received.filter(({ source }) => source.includes(id)).length, 1);
  });

  test('M18: as the operator wants it, and the filter with it', async () => {
    const server = get();
    await configure(server, '[mail]\nmessage_size_limit = "2M"\nqueue_lifetime = "2h"\nbounce_lifetime = "1h"\n');
    // What was changed by hand goes with it.
    await server.order('apply', '--yes');
    assert.equal(await announced(server, 25), 2 * MB);
    assert.match(await settled(server, 1.9 * MB), /^250 /);
    assert.match(await settled(server, 2.1 * MB), /^552 /);
  });

  /** Makes a message in the queue as old as that, in minutes: the time of its arrival, which Postfix writes as a record `T` of its file. */
  const aged = async (to: string, minutes: number): Promise<void> => {
    const { queue_id: queueId } = await putOff(to);
    const edit = 'BEGIN { $then = time - 60 * shift } undef $/; $_ = <STDIN>; s/(T.|create_time=)\\d{10}/$1$then/gs; print';
    await shell(
      'file=$(find /var/spool/postfix/deferred -name "$1"); perl -e "$2" "$3" <"$file" >/tmp/aged; cat /tmp/aged >"$file"; postqueue -i "$1"',
      queueId,
      edit,
      String(minutes),
    );
  };
  const fates = async (to: string, what: RegExp): Promise<number> => {
    const journal = await get().machine.journalSoFar();
    const id = (journal.match(new RegExp(`(\\w+): to=<${to.replaceAll('.', '\\.')}>`)) ?? [])[1] ?? 'none';
    return journal.split('\n').filter((line) => line.includes(id) && what.test(line)).length;
  };

  test('M15: the lifetimes are those of the file: a message of a login, and a notice', async () => {
    const server = get();
    await using far = await outside(server.machine);
    const [mail, notice] = ['later-98@outside.test', 'later-99@outside.test'];
    await submitted(server, server.demo, mail);
    await shell('printf "Subject: notice\\n\\nText.\\n" | sendmail -f "<>" "$1"', notice);
    const tried = async (to: string, times: number): Promise<true> =>
      until(`${to} is tried ${times} times`, async () => ((await fates(to, /status=deferred/)) >= times ? true : undefined), 60_000, 200);
    const expired = (to: string): Promise<true> =>
      until(`${to} has expired`, async () => ((await fates(to, /status=expired/)) === 1 ? true : undefined), 60_000, 200);
    await aged(mail, 90);
    await aged(notice, 50);
    await tried(mail, 2);
    await tried(notice, 2);
    assert.deepEqual([await fates(mail, /status=expired/), await fates(notice, /status=expired/)], [0, 0]);
    await aged(mail, 125);
    await aged(notice, 65);
    await expired(mail);
    await expired(notice);
    assert.deepEqual(far.received, []);
  });

  test('M18: and again as it was', async () => {
    const server = get();
    await configure(server, '');
    await server.order('apply', '--yes');
    assert.match(await settled(server, 2.1 * MB), /^250 /);
  });
};

const atOnce = (get: () => Server): void => {
  test('M20: what did not get through to Dovecot is tried again at once when apply has started it; what others put off, at its time', async () => {
    const server = get();
    const shell = async (script: string, ...words: readonly string[]): Promise<string> =>
      ok(await server.machine.run(['sh', '-e', '-c', script, 'sh', ...words])).stdout;
    const deferred = (count: number): Promise<readonly Queued[]> =>
      until(
        `so many wait: ${count}`,
        async () => {
          const all = (await waitingOn(server)).filter(({ queue_name: queue }) => queue === 'deferred');
          return all.length === count ? all : undefined;
        },
        30_000,
        100,
      );
    await using far = await outside(server.machine);
    const to = 'later-97@outside.test';
    await submitted(server, server.demo, to);
    const [other] = await deferred(1);
    // The queue manager writes its next time as that of the file's change.
    const next = (): Promise<string> => shell('find /var/spool/postfix/deferred -name "$1" -printf %T@', other?.queue_id ?? '');
    const time = await next();
    await shell('systemctl stop dovecot');
    const ids = [await handedIn(server), await handedIn(server)];
    const three = await deferred(3);
    const reasons = three.flatMap(({ recipients }) => recipients.map(({ delay_reason: reason = '' }) => reason));
    assert.equal(reasons.filter((reason) => /^connect to \S+\[private\/dovecot-lmtp\]: /.test(reason)).length, 2, reasons.join('\n'));
    const { stderr } = ok(await server.hauspost(['apply', '--yes']));
    assert.match(stderr, /mail that had not got through to dovecot is tried again \(messages: 2\)/);
    const imap = await server.imap(server.demo);
    for (const id of ids) await fetched(imap, 'INBOX', id);
    await imap.logout();
    await until('they have left the queue', async () => ((await waitingOn(server)).length === 1 ? true : undefined), 30_000, 100);
    assert.deepEqual([(await deferred(1))[0]?.queue_id, await next(), far.putOff], [other?.queue_id, time, [to]]);
    await shell('postsuper -d "$1"', other?.queue_id ?? '');
  });
};

const returns = (get: () => Server): void => {
  const parameter = async (name: string): Promise<string> => ok(await get().machine.run(['postconf', '-h', name])).stdout.trim();

  test('M15: tried again from five minutes to an hour later, five days long, notices for one', async () => {
    const seconds = async (name: string): Promise<number> => {
      const [, count = '', unit = ''] = /^(\d+)([smhd])$/.exec(await parameter(name)) ?? [];
      return Number(count) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? Number.NaN);
    };
    assert.deepEqual(
      await Promise.all(['minimal_backoff_time', 'maximal_backoff_time', 'maximal_queue_lifetime', 'bounce_queue_lifetime'].map(seconds)),
      [300, 3600, 432_000, 86_400],
    );
  });

  /** To somebody outside who is refused for good. */
  const refusedOutside = async (login: Login, as = login.user): Promise<void> => {
    await submitted(get(), login, 'refused@outside.test', as);
  };
  const notices = async (about: string): Promise<number> => {
    const imap = await get().imap(get().demo);
    const lock = await imap.getMailboxLock('INBOX');
    await imap.noop();
    const hits = (await imap.search({ from: 'MAILER-DAEMON', body: about }, { uid: true })) || [];
    lock.release();
    await imap.logout();
    return hits.length;
  };

  test('M15: who sent it hears that it came back; for a send-only account the postmaster does', async () => {
    const server = get();
    await using far = await outside(server.machine);
    await server.account(ROBOT, '--send-only');
    await server.account({ user: 'writer@hauspost.test', pass: 'password-of-writer' });
    await refusedOutside(ROBOT);
    await until('the postmaster hears of it', async () => ((await notices('refused@outside.test')) === 1 ? true : undefined), 30_000, 300);
    await refusedOutside({ user: 'writer@hauspost.test', pass: 'password-of-writer' });
    const imap = await server.imap({ user: 'writer@hauspost.test', pass: 'password-of-writer' });
    const lock = await imap.getMailboxLock('INBOX');
    await until(
      'the writer hears of it',
      async () => {
        await imap.noop();
        return ((await imap.search({ from: 'MAILER-DAEMON' }, { uid: true })) || []).length === 1 ? true : undefined;
      },
      30_000,
      300,
    );
    lock.release();
    await imap.logout();
    assert.equal(await notices('refused@outside.test'), 1);
    assert.deepEqual(far.received, []);
  });

  test('M15: nor is a notice lost where the domain has a catch-all, or where the send-only account sends as an alias', async () => {
    const server = get();
    await using far = await outside(server.machine);
    const [alias, writer] = ['noreply@hauspost.test', 'writer@hauspost.test'];
    const heard = async (count: number): Promise<void> => {
      await until(
        `the postmaster has heard of ${count}`,
        async () => ((await notices('refused@outside.test')) === count ? true : undefined),
        30_000,
        300,
      );
    };
    await orders(server, ['alias', 'add', alias, ROBOT.user]);
    await refusedOutside(ROBOT, alias);
    await heard(2);
    await orders(server, ['alias', 'add', '@hauspost.test', writer]);
    for (const [as, count] of [
      [ROBOT.user, 3],
      [alias, 4],
    ] as const) {
      await refusedOutside(ROBOT, as);
      await heard(count);
    }
    // Where an alias leads to somebody, he is the one.
    await orders(server, ['alias', 'add', alias, writer]);
    await refusedOutside(ROBOT, alias);
    const imap = await server.imap({ user: writer, pass: 'password-of-writer' });
    const lock = await imap.getMailboxLock('INBOX');
    const two = async (): Promise<true | undefined> => {
      await imap.noop();
      return ((await imap.search({ from: 'MAILER-DAEMON' }, { uid: true })) || []).length === 2 || undefined;
    };
    await until('the one behind the alias hears of it', two, 30_000, 300);
    lock.release();
    await imap.logout();
    await orders(server, ['alias', 'remove', alias], ['alias', 'remove', '@hauspost.test']);
    assert.equal(await notices('refused@outside.test'), 4);
    assert.deepEqual(far.received, []);
  });

  test('M29: where there is no room for mail the postmaster is not sent what was said, of which a password is part', async () => {
    const server = get();
    const set = (words: string): Promise<Output> => server.machine.run(['sh', '-ec', `postconf ${words}; postfix reload`]);
    const { user, pass } = server.demo;
    const word = Buffer.from(`\0${user}\0${pass}`).toString('base64');
    /** What the answer to MAIL is, after a session that is logged when it is over, and what of it was sent by then. */
    const session = async (): Promise<number> => {
      const over = async (): Promise<number> =>
        (await server.machine.journalSoFar()).match(/submission\/smtpd.*: disconnect from .* auth=1/g)?.length ?? 0;
      const before = await over();
      const smtp = await server.client(587);
      assert.equal((await smtp.command(`AUTH PLAIN ${word}`)).code, 235);
      const { code } = await smtp.command(`MAIL FROM:<${user}>`);
      assert.equal((await smtp.command('QUIT')).code, 221);
      smtp.close();
      await until('the session is over', async () => (await over()) > before || undefined, 30_000, 100);
      return code;
    };
    /** A process that was idle may take one more session before it has heard of the reload. */
    const answered = (wanted: number): Promise<true> =>
      until(`MAIL is answered by ${wanted}`, async () => (await session()) === wanted || undefined, 30_000, 100);
    // More than any disk has.
    ok(await set('-e queue_minfree=4000000000000000000'));
    try {
      await answered(452);
    } finally {
      ok(await set('-X queue_minfree'));
    }
    await answered(250);
    assert.doesNotMatch(await server.machine.journal(), /from=<double-bounce@/);
    const held = await server.machine.run(['grep', '-rlF', '-e', word, '-e', 'Transcript of session', '/var/spool/postfix', '/var/vmail']);
    assert.deepEqual([held.code, held.stdout], [1, ''], held.stderr);
  });

  test('C10: what waits for an account that is removed comes back, and a successor of the name never gets it; what waits for others stays', async () => {
    const server = get();
    await using far = await outside(server.machine);
    const leaver = { user: 'leaver@hauspost.test', pass: 'password-of-leaver' };
    const put = async (words: string): Promise<void> => void ok(await server.machine.run(['sh', '-ec', `postconf ${words}; postfix reload`]));
    const waiting = async (): Promise<readonly string[]> =>
      (await waitingOn(server)).flatMap(({ queue_name: queue, recipients }) =>
        queue === 'deferred' ? recipients.map(({ address }) => address) : [],
      );
    await server.account(leaver);
    await put('-e defer_transports=lmtp');
    await handedIn(server, leaver.user);
    await handedIn(server, 'Leaver+tag@hauspost.test');
    await handedIn(server);
    await until('three wait', async () => (await waiting()).length === 3 || undefined, 30_000, 100);
    await put('-X defer_transports');
    await server.order('account', 'remove', leaver.user, '--yes');
    assert.deepEqual(await waiting(), [server.demo.user]);
    await server.account(leaver);
    await until('both came back', () => far.received.length === 2 || undefined, 30_000, 100);
    for (const { from, to, source } of far.received) {
      assert.deepEqual([from, to], ['', ['friend@outside.test']]);
      assert.match(source, /leaver/i);
    }
    ok(await server.machine.run(['postqueue', '-f']));
    await until('the other one has arrived', async () => (await waitingOn(server)).length === 0 || undefined, 30_000, 100);
    const imap = await server.imap(leaver);
    const inbox = await imap.status('INBOX', { messages: true });
    assert.equal(inbox !== false && inbox.messages, 0);
    await imap.logout();
  });

  test('M28: no log holds a subject', async () => {
    const server = get();
    const id = await handedIn(server);
    const imap = await server.imap(server.demo);
    await fetched(imap, 'INBOX', id);
    await imap.logout();
    const written = async (): Promise<true | undefined> => (await server.machine.journalSoFar()).includes(id.slice(1, -1)) || undefined;
    await until('the message itself is in it', written, 30_000, 200);
    assert.doesNotMatch(await server.machine.journal(), new RegExp(SUBJECT, 'i'));
    const files = await server.machine.run(['grep', '-rlI', SUBJECT, '/var/log']);
    assert.deepEqual([files.code, files.stdout], [1, '']);
  });
};

onEachRelease(sizes, later, atOnce, returns);
