/** M8, C10, C11: somebody reads what is for the postmaster, or it is said, refused and kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetched, oneDocument, refusedInput, type Server, unchanged, until } from '../index.ts';
import { answered, configure, exits, type Finding, type Plan } from '../operator.ts';
import { ok, orders, recipient } from '../people.ts';
import { onEachRelease } from '../scenario.ts';

const DEMO = 'demo@hauspost.test';
const ROLES = ['postmaster@hauspost.test', 'abuse@hauspost.test', 'root@mail.hauspost.test'];

const roles = (server: Server): Promise<readonly number[]> => Promise.all(ROLES.map((role) => recipient(server, role)));

const sql = async ({ machine }: Server, statement: string): Promise<void> => void ok(await machine.run(['mariadb', 'vmail', '-e', statement]));

/** Why the message for demo waits, as Postfix has it; undefined while it has not been tried. */
const reason = async ({ machine }: Server): Promise<string | undefined> => {
  const { stdout } = ok(await machine.run(['postqueue', '-j']));
  const recipients = stdout
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => (JSON.parse(line) as { recipients: { address: string; delay_reason?: string }[] }).recipients);
  return recipients.find(({ address }) => address === DEMO)?.delay_reason;
};

const commands = (get: () => Server): void => {
  test('M8: no command takes the last reader away, and none of them does half of it', async () => {
    const server = get();
    await orders(
      server,
      ['account', 'add', 'other@hauspost.test'],
      ['domain', 'add', 'second.test'],
      ['account', 'add', 'bot@second.test', '--send-only'],
    );
    await unchanged(server.machine, async () => {
      for (const words of [
        ['account', 'remove', DEMO],
        ['account', 'set', DEMO, '--disabled'],
        ['account', 'set', DEMO, '--send-only'],
        ['account', 'remove', DEMO, '--yes'],
        ['domain', 'remove', 'hauspost.test', '--with-everything'],
        ['domain', 'remove', 'hauspost.test', '--with-everything', '--yes'],
        ['alias', 'add', DEMO, 'bot@second.test'],
      ])
        refusedInput(await server.hauspost(words), { words, names: `nobody here would receive the mail of the postmaster, ${DEMO}, any more` });
    });
    assert.deepEqual(await roles(server), [250, 250, 250]);
  });

  test('M8: who leaves somebody is free to go', async () => {
    const server = get();
    await orders(
      server,
      ['alias', 'add', DEMO, DEMO, 'other@hauspost.test'],
      ['account', 'set', DEMO, '--disabled'], // the other one reads
      ['account', 'set', DEMO, '--enabled'],
      ['alias', 'remove', DEMO],
      ['account', 'remove', 'other@hauspost.test', '--yes'],
      ['domain', 'remove', 'second.test', '--with-everything', '--yes'],
    );
    assert.deepEqual(await roles(server), [250, 250, 250]);
  });
};

/** That nobody answers for names here is told as well. */
const ofPostmaster = (findings: readonly Finding[]): readonly Finding[] => findings.filter(({ code }) => code.startsWith('postmaster.'));

const unread = (get: () => Server): void => {
  test('M8: with nobody there strangers are refused, what the machine says waits, every command says so; and then it arrives', async () => {
    const server = get();
    const attention = /nobody here receives the mail of the postmaster, demo@hauspost\.test/;
    await sql(server, "UPDATE accounts SET enabled = 0 WHERE username = 'demo'");
    assert.deepEqual(await roles(server), [550, 550, 550]);
    const id = '<cron-1@mail.hauspost.test>';
    const input = `From: root\nTo: root\nMessage-ID: ${id}\nSubject: cron\n\nThe backup of this night failed.\n`;
    ok(await server.machine.run(['sendmail', 'root'], { input }));
    assert.match(await until('it was tried', () => reason(server), 30_000), /^Nobody receives mail for the postmaster/);

    const { document } = await answered<{ findings: readonly Finding[] }>(server, 'status');
    assert.deepEqual(
      ofPostmaster(document.findings).map(({ code }) => code),
      ['postmaster.unread'],
    );
    assert.match((await exits(server, 0, 'status')).stdout, new RegExp(`^Attention: ${attention.source}`, 'm'));
    assert.match((await exits(server, 0, 'plan')).stdout, new RegExp(`^Nothing to do; [\\s\\S]*^Attention: ${attention.source}`, 'm'));
    assert.match((await exits(server, 0, 'apply')).stderr, new RegExp(`^warning: ${attention.source}`, 'm'));
    const selftest = await server.hauspost(['selftest', '--json']);
    const { steps } = oneDocument(selftest) as { steps: readonly { name: string; ok: boolean; detail: string }[] };
    assert.deepEqual([selftest.code, ...steps.filter((step) => !step.ok).map(({ name }) => name)], [1, 'postmaster']);

    await sql(server, "UPDATE accounts SET enabled = 1 WHERE username = 'demo'");
    assert.deepEqual(await roles(server), [250, 250, 250]);
    ok(await server.machine.run(['postqueue', '-f']));
    const imap = await server.imap(server.demo);
    assert.match(await fetched(imap, 'INBOX', id), /The backup of this night failed/);
    await imap.logout();
    assert.deepEqual(ofPostmaster((await answered<{ findings: readonly Finding[] }>(server, 'status')).document.findings), []);
    assert.doesNotMatch((await exits(server, 0, 'plan')).stdout, attention);
  });

  test('M8: plan says whom the file names in vain; a postmaster elsewhere is taken at his word, and then demo may go', async () => {
    const server = get();
    for (const [postmaster, why] of [
      ['nobody@hauspost.test', "'hauspost account list hauspost.test' shows who is there"],
      ['robot@hauspost.test', "'hauspost account add robot@hauspost.test' adds the account"],
    ] as const) {
      await configure(server, `postmaster = "${postmaster}"\n`);
      const { code, document } = await answered<Plan>(server, 'plan');
      const told = ofPostmaster(document.findings);
      assert.deepEqual([code, told.map(({ message }) => message.includes(postmaster))], [2, [true]]);
      assert.ok(told[0]?.remedy.includes(why), told[0]?.remedy);
    }
    await configure(server, 'hostname = "mail.other.test"\npostmaster = "me@other.test"\n');
    const [lost] = ofPostmaster((await answered<Plan>(server, 'plan')).document.findings);
    assert.match(
      `${lost?.message} ${lost?.remedy}`,
      /since other\.test is not one of its domains: .* 'hauspost domain add other\.test' adds it, 'hauspost account add me@other\.test' the account\./,
    );

    await configure(server, 'postmaster = "me@outside.test"\n');
    assert.deepEqual(ofPostmaster((await answered<Plan>(server, 'plan')).document.findings), []);
    assert.doesNotMatch((await exits(server, 0, 'apply', '--yes')).stderr, /postmaster/);
    await orders(server, ['account', 'add', 'other@hauspost.test'], ['account', 'remove', DEMO, '--yes']);
    assert.deepEqual([...(await roles(server)), await recipient(server, DEMO)], [250, 250, 250, 550]);
    assert.match(
      (await exits(server, 0, 'selftest')).stdout,
      /^ok +postmaster .* postmaster@hauspost\.test takes mail; of me@outside\.test, elsewhere, /m,
    );
  });
};

const takenHome = (get: () => Server): void => {
  test('C9, M8: a domain that takes the mail of a postmaster and of aliases, which went elsewhere until now, says so; one that nobody leads to does not', async () => {
    const server = get(); // its postmaster is me@outside.test
    interface Added {
      readonly warnings: readonly Finding[];
    }
    const words = ['alias', 'add', 'lead@hauspost.test', 'x@outside.test', 'abuse@outside.test'];
    await orders(server, words, ['alias', 'add', 'off@hauspost.test', 'y@outside.test'], ['alias', 'set', 'off@hauspost.test', '--disabled']);
    assert.deepEqual(await Promise.all(['lead@hauspost.test', ...ROLES].map((to) => recipient(server, to))), [250, 250, 250, 250]);
    assert.deepEqual((await answered<Added>(server, 'domain', 'add', 'innocent.test')).document, { domain: 'innocent.test', warnings: [] });

    const { code, document } = await answered<Added>(server, 'domain', 'add', 'outside.test');
    assert.equal(code, 0);
    assert.deepEqual(
      document.warnings.map((warning) => [warning.code, warning.message]),
      [
        [
          'postmaster.unread',
          'nobody here receives the mail of the postmaster, me@outside.test: others are refused, and what this server has to say waits in the queue',
        ],
        ['alias.leads-nowhere', 'aliases lead to addresses of ours that do not exist: lead@hauspost.test to x@outside.test'],
      ],
    );
    assert.match(document.warnings[0]?.remedy ?? '', /'hauspost account add me@outside\.test' adds the account/);
    assert.deepEqual(await Promise.all(['lead@hauspost.test', ...ROLES].map((to) => recipient(server, to))), [550, 550, 550, 550]);

    await orders(
      server,
      ['alias', 'remove', 'lead@hauspost.test'],
      ['alias', 'remove', 'off@hauspost.test'],
      ['domain', 'remove', 'outside.test'],
      ['domain', 'remove', 'innocent.test'],
    );
    assert.deepEqual(await roles(server), [250, 250, 250], 'what was added by mistake can be taken back');
  });
};

const tried = (get: () => Server): void => {
  /** What the self-test comes to once it says that of the postmaster. A process of Postfix that was idle may answer once more with the certificate of before. */
  const says = async (server: Server, good: boolean, words: RegExp): Promise<void> => {
    let said = '';
    const asked = async (): Promise<true | undefined> => {
      const output = await server.hauspost(['selftest', '--json']);
      const { steps } = oneDocument(output) as { steps: readonly { name: string; ok: boolean; detail: string }[] };
      const step = steps.find(({ name }) => name === 'postmaster');
      said = step?.detail ?? '';
      return (step?.ok === good && words.test(said)) || undefined;
    };
    await until(() => `it says ${words}; it says ${said}`, asked, 60_000, 500);
  };

  test('C7: the self-test tries the mail of whom the file names, also where his domain has a postmaster of its own, or is none of the server', async () => {
    const server = get();
    await orders(server, ['account', 'add', 'postmaster@hauspost.test']);
    const unreadNow = async (): Promise<readonly string[]> =>
      ofPostmaster((await answered<{ findings: readonly Finding[] }>(server, 'status')).document.findings).map(({ code }) => code);

    await configure(server, 'postmaster = "reader@hauspost.test"\n');
    await exits(server, 0, 'apply', '--yes');
    await says(server, false, /^nobody here receives the mail of the postmaster, reader@hauspost\.test: others are refused/);
    assert.deepEqual(await unreadNow(), ['postmaster.unread']);
    await orders(server, ['account', 'add', 'reader@hauspost.test']);
    await says(server, true, /^reader@hauspost\.test and postmaster@hauspost\.test take mail$/);
    assert.deepEqual(await unreadNow(), []);

    await configure(server, 'hostname = "mail.other.test"\npostmaster = "me@other.test"\n');
    await exits(server, 0, 'apply', '--yes');
    await says(server, false, /^nobody here receives the mail of the postmaster, me@other\.test, since other\.test is not one of its domains: /);
    assert.deepEqual(await unreadNow(), ['postmaster.unread']);
    await orders(server, ['domain', 'add', 'other.test'], ['account', 'add', 'me@other.test']);
    await says(server, true, /^me@other\.test and postmaster@other\.test take mail$/);
    assert.deepEqual(await unreadNow(), []);
    await exits(server, 0, 'selftest');
  });
};

onEachRelease(commands, unread, takenHome, tried);
