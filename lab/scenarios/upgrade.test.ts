/**
 * M31, C5: a machine that an earlier version of Hauspost set up, its checkout replaced as README.md says: plan tells what would change, apply makes it,
 * nothing of mail, people, keys and filters is lost, and rollback leads to the earlier version's configuration and back. The earlier version is
 * the newest released one, by its tag; for as long as there is none, an imagined one that lacks and says other things than the present one.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dated } from '../dated.ts';
import { type Earlier, type Edit, imagined, releasedAs, servedBy } from '../earlier.ts';
import { allRun, boot, fetched, HAUSPOST, type Login, oneDocument, readyOn, type Server, serverOn, until } from '../index.ts';
import { announcedSize, answered, configure, exits, type Failure, type Finding, inOwnProcesses, type Plan } from '../operator.ts';
import { allTags, changelog, earlierThan, presentVersion, taggedVersions } from '../releases.ts';

/** Before any release: a daemon, a file and settings that it did not know, a file that nobody has any more, other text for a daemon; records of DKIM keys, and a status that goes by the operator's file alone, as 0.1 has them. */
const LESS: readonly Edit[] = [
  ['src/services/unbound/config.ts', "  ...(input.settings.profile === 'local' ? [keyZone(input.settings)] : []),\n", ''],
  [
    'src/services/unbound/zones.ts',
    "${txt('v=DMARC1; p=quarantine')}`,\n",
    "${txt('v=DMARC1; p=quarantine')}`,\n    ...facts.dkimKeys.filter((key) => key.domain === domain).map((key) => `${key.selector}._domainkey.${domain}. 60 IN TXT ${txt(dkimRecordText(key.publicKey))}`),\n",
  ],
  ['package.json', `"version": "${presentVersion()}"`, '"version": "0.0.9"'],
  ['src/services/index.ts', 'nginx, dkimKeys, upkeep];', 'nginx];'],
  ['src/services/dovecot/services.ts', "{ set: 'mail_max_userip_connections', to: 30 }", "{ set: 'mail_max_userip_connections', to: 20 }"],
  [
    'src/services/updates.ts',
    "{ ...FILE, path: path('/etc/ucf.conf')",
    "{ ...FILE, path: path('/etc/hauspost/notes'), text: ['older\\n'] },\n  { ...FILE, path: path('/etc/ucf.conf')",
  ],
  ['src/services/dovecot/index.ts', '    ...replyItems(input),\n    compileItem(input),\n', '    ...replyItems(input),\n'],
  ['src/services/dovecot/unit.ts', "    { section: 'Service', set: 'ExecStartPre', to: `-+${COMPILE}` },\n", ''],
  ['src/directory/migrations/index.ts', 'knownClients, wrongPasswords]', 'knownClients]'],
  [
    'src/directory/views.ts',
    "'login_refused_v3', 'login_failed_v2', 'login_succeeded_v1'],",
    "'login_refused_v2', 'login_failed_v1', 'login_succeeded_v1'],",
  ],
  ['src/directory/lookups.ts', ', ${SAME_PER_HOUR}, ', ', '],
  ['src/directory/lookups.ts', 'login_refused_v3(${loginOf(at)}, ${quoted(at.digest)}, ', 'login_refused_v2(${loginOf(at)}, '],
  [
    'src/directory/lookups.ts',
    'login_failed_v2(${loginOf(at)}, ${quoted(at.digest)}',
    'login_failed_v1(${loginOf(at)}, LEFT(${quoted(at.digest)}, 4)',
  ],
  ['src/apply/apply.ts', '    format: FORMAT,\n', ''],
  [
    'src/operations/judged.ts',
    '[placed, kept] = [await desiredForCertificates(context), await inPlace(context)];',
    '[placed, kept] = [undefined, undefined];',
  ],
  [
    'src/apply/store.ts',
    'input.json`), input);',
    'input.json`), { ...input, settings: { ...input?.settings, filters: undefined, logs: undefined }, wiring: { ...input?.wiring, principals: undefined } });',
  ],
];

const present = presentVersion();
const [newest] = earlierThan(present, changelog());
const tagged = await taggedVersions();

const earlierVersion = (): Promise<Earlier> => (newest === undefined ? imagined('0.0.9', LESS) : releasedAs(newest));

test('an earlier release is one by its tag, too', async () => {
  const tags = (await allTags()).join(', ') || 'none';
  console.log(`    tags in this checkout: ${tags}; of releases before this commit: ${tagged.join(', ') || 'none'}`);
  const earlier = tagged.filter((version) => earlierThan(present, [{ version }]).length > 0);
  if (newest === undefined) assert.deepEqual(earlier, [], `CHANGELOG.md names no release before ${present}, and there are tags of some`);
  else {
    const found = earlier[0] === undefined ? 'no tag of an earlier version' : `v${earlier[0]} as the newest earlier tag`;
    assert.equal(
      earlier[0],
      newest,
      `CHANGELOG.md names ${newest} as the release before ${present}, and this checkout has ${found}: git fetch --tags (and --unshallow)`,
    );
  }
  console.log(`    from ${newest ?? 'an imagined 0.0.9, since nothing was released before'} to ${present}`);
});

const ANNA: Login = { user: 'anna@hauspost.test', pass: 'anna-password' };
const SCRIPT = 'require "fileinto";\r\nif header :contains "Subject" "minutes" { fileinto "Club"; }\r\n';
/** Without a way to it, and no name to be asked for. */
const AWAY = 'somebody@[192.0.2.1]';

const shell = async ({ machine }: Server, script: string, ...words: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script, 'sh', ...words]);
  assert.equal(code, 0, `${script}: ${stderr}`);
  return stdout;
};

const text = (to: string, id: string, subject: string): string =>
  ['From: <friend@outside.test>', `To: <${to}>`, dated(), `Message-ID: ${id}`, `Subject: ${subject}`, 'MIME-Version: 1.0', '', 'text', ''].join(
    '\r\n',
  );

const receive = async (server: Server, to: string, id: string, subject: string): Promise<void> => {
  const smtp = await server.stranger();
  for (const line of ['MAIL FROM:<friend@outside.test>', `RCPT TO:<${to}>`]) assert.equal((await smtp.command(line)).code, 250, line);
  const { code, lines } = await smtp.data(text(to, id, subject));
  smtp.close();
  assert.equal(code, 250, lines.join(' '));
};

const arrives = async (server: Server, login: Login, mailbox: string, id: string): Promise<void> => {
  const imap = await server.imap(login);
  await fetched(imap, mailbox, id);
  await imap.logout();
};

/** Of each of the account's folders: UIDVALIDITY, and the UIDs in it with what they are. */
const mailOf = async (server: Server, login: Login): Promise<unknown> => {
  const imap = await server.imap(login);
  const found: Record<string, unknown> = {};
  for (const { path } of await imap.list()) {
    const lock = await imap.getMailboxLock(path);
    const messages = imap.mailbox !== false && imap.mailbox.exists > 0 ? await imap.fetchAll('1:*', { uid: true, envelope: true, flags: true }) : [];
    found[path] = [
      imap.mailbox !== false && String(imap.mailbox.uidValidity),
      messages.map(({ uid, envelope, flags }) => [uid, envelope?.messageId, [...(flags ?? [])].filter((flag) => flag !== '\\Recent')]),
    ];
    lock.release();
  }
  await imap.logout();
  return found;
};

/** What must be after an upgrade as it was before. */
const belongings = async (server: Server): Promise<unknown> => ({
  mail: [await mailOf(server, server.demo), await mailOf(server, ANNA)],
  people: await Promise.all(['account', 'alias', 'domain'].map(async (what) => (await exits(server, 0, what, 'list')).stdout)),
  passwords: await shell(server, "mariadb -BN vmail -e 'SELECT username, domain, password, quota FROM accounts ORDER BY id'"),
  // Empty is the map of Ed25519 keys, of which there are none before the next rotation.
  keys: await shell(server, 'cd /var/lib && find hauspost/secrets rspamd/dkim hauspost/tls -type f ! -empty | sort | xargs sha256sum'),
  filters: await shell(server, 'find /var/vmail/sieve -name "*.sieve" | sort | xargs sha256sum'),
  bayes: await shell(server, 'for key in learns_spam learns_ham; do redis-cli -s /run/redis/redis-server.sock --raw HGET RS $key; done'),
  queue: (await shell(server, 'postqueue -j')).match(/"queue_id": "\w+"/g),
});

/** Somebody logs in again and again while `work` is done: the database never refuses a question of the Dovecot that asks it. */
const withLogins = async <T>(server: Server, login: Login, work: () => Promise<T>): Promise<T> => {
  let done = false;
  const logins = async (): Promise<number> => {
    for (let count = 0; ; ) {
      if (done) return count;
      // Dovecot that is just being started anew answers nobody.
      await server.imap(login).then(
        (imap) => {
          count += 1;
          return imap.logout();
        },
        () => undefined,
      );
    }
  };
  const counted = logins();
  const result = await work().finally(() => {
    done = true;
  });
  assert.ok((await counted) > 0);
  const lines = (await server.machine.journal()).split('\n').filter((line) => /dovecot.*command denied/.test(line));
  assert.deepEqual(lines, []);
  return result;
};

/** What lies there of a generation, as apply has put it. */
const inPlace = (server: Server, generation: number): Promise<string> =>
  shell(
    server,
    'cd "/var/lib/hauspost/generations/$1/tree" && find . -type f | sort | while read -r f; do cmp -s "$f" "/$f" && echo "$f" || echo "$f differs"; done',
    String(generation),
  );

const differing = async (server: Server, generation: number): Promise<readonly string[]> =>
  (await inPlace(server, generation)).split('\n').filter((line) => line.endsWith(' differs'));

interface Generation {
  readonly number: number;
  readonly version: string;
  readonly committed: boolean;
}
const made = async (server: Server): Promise<readonly (readonly [number, string, boolean])[]> =>
  (await answered<readonly Generation[]>(server, 'generations')).document.map(({ number, version, committed }) => [number, version, committed]);

const passes = async (server: Server, but: readonly string[] = []): Promise<void> => {
  const selftest = await server.hauspost(['selftest', '--json']);
  const { steps } = oneDocument(selftest) as { readonly steps: readonly { readonly name: string; readonly ok: boolean }[] };
  assert.deepEqual([steps.length > but.length, steps.filter(({ ok }) => !ok).map(({ name }) => name)], [true, but], selftest.stdout);
};

interface Status {
  readonly services: readonly { readonly name: string; readonly state: string }[];
  readonly findings: readonly Finding[];
}
/** The resolver does not show keys that sign. */
const unshown = ({ findings }: Pick<Status, 'findings'>): readonly Finding[] => findings.filter(({ code }) => code === 'dkim.not-shown');

const services = async (server: Server): Promise<Status['services']> => (await answered<Status>(server, 'status')).document.services;
const stopped = async (server: Server): Promise<readonly string[]> =>
  (await services(server)).filter(({ state }) => state !== 'running').map(({ name }) => name);

/** Its configurations hold the records of the keys of their time. */
const HOLDS_KEYS = newest === undefined || newest === '0.1.0';

const actions = ({ changes }: Pick<Plan, 'changes'>): readonly string[] => changes.map(({ action, target }) => `${action} ${target}`);

/** Of a daemon of our own. */
const unitOf = (name: string): string => `/etc/systemd/system/hauspost-${name}.service`;

const has = (list: readonly string[], wanted: readonly string[]): void => {
  assert.deepEqual(
    wanted.filter((each) => !list.includes(each)),
    [],
    list.join(', '),
  );
};

for (const release of ['bookworm', 'trixie'] as const) {
  describe(release, () => {
    let server: Server;
    /** The same, asked in a process that stays. */
    let lasting: Server;
    let earlier: Earlier;
    let belonging: unknown;
    /** Daemons that it has. */
    let known: readonly string[];
    /** Of the present version, those that it does not have. */
    let lacking: readonly string[];
    before(async () => {
      earlier = await earlierVersion();
      const machine = await boot({ image: await servedBy({ release, init: 'systemd' }, earlier) });
      const running = async (): Promise<true | undefined> =>
        (JSON.parse((await machine.run([HAUSPOST, 'status', '--json'])).stdout) as Status).services.every(({ state }) => state === 'running') ||
        undefined;
      await until('all daemons run', running, 120_000, 500);
      lasting = await serverOn(machine);
      server = inOwnProcesses(lasting);
    });
    after(() => server?.[Symbol.asyncDispose]());

    test('the earlier version runs, with mail, people, a filter, lessons and a hand edit', async () => {
      assert.equal((await shell(server, `${HAUSPOST} --version`)).trim(), earlier.version);
      known = (await services(server)).map(({ name }) => name);
      await server.account(ANNA, '--quota', '200M');
      await server.order('alias', 'add', 'club@hauspost.test', ANNA.user, server.demo.user);
      const sieve = await server.sieve();
      assert.equal((await sieve.login(ANNA)).status, 'OK');
      assert.equal((await sieve.put('mine', SCRIPT)).status, 'OK');
      assert.equal((await sieve.command('SETACTIVE "mine"')).status, 'OK');
      sieve.close();
      const anna = await server.imap(ANNA);
      await anna.mailboxCreate('Club');
      await anna.logout();
      await receive(server, 'club@hauspost.test', '<minutes-1@outside.test>', 'minutes of Monday');
      await arrives(server, ANNA, 'Club', '<minutes-1@outside.test>');
      await arrives(server, server.demo, 'INBOX', '<minutes-1@outside.test>');
      const imap = await server.imap(server.demo);
      await imap.mailboxOpen('INBOX');
      await imap.messageFlagsAdd('1', ['\\Flagged', '\\Seen']);
      await imap.logout();
      const words = (word: string): string => Array.from({ length: 40 }, (_, index) => `${word}${index * 104_729}`).join(' ');
      for (const kind of ['spam', 'ham']) {
        const lesson = text(ANNA.user, `<${kind}@outside.test>`, kind).replace('text', words(kind));
        const script = 'mkdir -p "/root/$1" && cat >"/root/$1/1"';
        assert.equal((await server.machine.run(['sh', '-c', script, 'sh', kind], { input: lesson })).code, 0);
        await server.order('spam', 'learn', `--${kind}`, `/root/${kind}`);
      }
      const waiting = text(AWAY, '<away@outside.test>', 'waits');
      assert.equal((await server.machine.run(['/usr/sbin/sendmail', '-f', ANNA.user, AWAY], { input: waiting })).code, 0);
      await until('it waits', async () => ((await shell(server, 'postqueue -j')).includes('"deferred"') ? true : undefined), 30_000, 200);
      await shell(server, 'echo "# by hand" >>/etc/postfix/main.cf');
      belonging = await belongings(server);
      assert.match(JSON.stringify(belonging), /"bayes":"1\\n1\\n".*"queue":\["/);
    });

    test('M31: the new checkout in its place: plan says what would change, and whose doing the rest is', async () => {
      await shell(server, 'cd /opt/hauspost && find . -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +');
      await server.machine.checkout();
      assert.equal((await shell(server, `${HAUSPOST} --version`)).trim(), present);
      // From now on one, of the present version: what made the account would go on as the earlier one.
      await readyOn(server.machine)[Symbol.asyncDispose]();
      server = lasting;
      const { code, document } = await answered<Plan>(server, 'plan');
      assert.deepEqual([code, document.generation], [2, 1]);
      const change = document.changes.find(({ target }) => target === '/etc/postfix/main.cf');
      assert.deepEqual([change?.action, change?.drift], ['change', true]);
      lacking = (await services(server)).map(({ name }) => name).filter((name) => !known.includes(name));
      console.log(`    ${earlier.version} does not have: ${lacking.join(', ') || 'no daemon less'}`);
      assert.deepEqual(await stopped(server), lacking);
      has(
        actions(document),
        lacking.map((name) => `create ${unitOf(name)}`),
      );
      if (newest === undefined) {
        assert.deepEqual(lacking, ['dkim-keys', 'upkeep']);
        has(actions(document), ['change /etc/dovecot/dovecot.conf', 'remove /etc/hauspost/notes', 'start dkim-keys', 'start upkeep']);
        assert.match(
          document.changes.find(({ target }) => target === '/etc/dovecot/dovecot.conf')?.diff ?? '',
          /^- {2}mail_max_userip_connections = 20$\n^\+ {2}mail_max_userip_connections = 30$/m,
        );
      }
    });

    test('M31: an apply that does not work leaves the earlier version’s configuration in place', async () => {
      await shell(server, 'cp /etc/hauspost/hauspost.toml /root/');
      await configure(server, '[network]\nbind = ["127.0.0.1", "::1", "127.0.0.5"]\n');
      // In the machine's network, but a process of the host: it stands for one that comes after the look at the ports.
      const taken = await server.machine.listen({ host: '127.0.0.5', port: 587 });
      taken.on('connection', (socket) => socket.destroy());
      const failed = await answered<Failure>(server, 'apply', '--yes');
      await new Promise<void>((resolve) => taken.close(() => resolve()));
      assert.deepEqual([failed.code, failed.document.error.code], [1, 'activate.not-well']);
      await shell(server, 'mv /root/hauspost.toml /etc/hauspost/');
      assert.deepEqual([await differing(server, 1), await stopped(server)], [[], lacking]);
      assert.deepEqual((await made(server)).slice(1), [[1, earlier.version, true]]);
      assert.equal(await announcedSize(server), 'SIZE 52428800');
      assert.deepEqual(await belongings(server), belonging);
    });

    test('M31: apply makes it the present version’s: nothing is lost, mail flows, nothing is left to do', async () => {
      await shell(server, 'echo "# by hand" >>/etc/postfix/main.cf');
      const begun = performance.now();
      const { stdout, stderr } = await withLogins(server, ANNA, () => exits(server, 0, 'apply', '--yes'));
      console.log(`    apply took ${((performance.now() - begun) / 1000).toFixed(1)} s: ${stdout.trim()}`);
      assert.match(await shell(server, `tail -n 1 ${/is kept in (\S+)/.exec(stderr)?.[1] ?? ''}/etc/postfix/main.cf`), /by hand/);
      await allRun(server.machine);
      assert.deepEqual(await belongings(server), belonging);
      const [, ...generations] = await made(server);
      assert.deepEqual(generations, [
        [1, earlier.version, false],
        [2, present, true],
      ]);
      assert.deepEqual(await differing(server, 2), []);
      if (newest === undefined) assert.equal(await shell(server, 'ls /etc/hauspost'), 'hauspost.toml\n');
      await exits(server, 0, 'plan');
      await passes(server);
      await receive(server, 'club@hauspost.test', '<minutes-2@outside.test>', 'minutes of Tuesday');
      await arrives(server, ANNA, 'Club', '<minutes-2@outside.test>');
    });

    test('C5: rollback leads to the configuration of the earlier version, and forward again; of DKIM keys that came since it says whether they are shown', async () => {
      await exits(server, 0, 'dkim', 'rotate');
      const mine = await belongings(server);
      const back = await withLogins(server, ANNA, () =>
        answered<{ generation: number; changes: Plan['changes']; findings: readonly Finding[] }>(server, 'rollback', '--yes'),
      );
      assert.deepEqual([back.code, back.document.generation], [0, 1]);
      const told = unshown(back.document);
      assert.deepEqual(
        told.map(({ level, remedy }) => [level, remedy]),
        HOLDS_KEYS ? [['warning', "'hauspost apply' makes a configuration that shows them."]] : [],
      );
      assert.deepEqual(unshown((await answered<Status>(server, 'status')).document), told);
      assert.deepEqual([await differing(server, 1), await stopped(server)], [[], lacking]);
      has(
        actions(back.document),
        lacking.map((name) => `stop ${name}`),
      );
      for (const name of lacking) assert.equal((await server.machine.run(['test', '-e', unitOf(name)])).code, 1, name);
      if (newest === undefined) {
        assert.equal(await shell(server, 'ls /etc/hauspost'), 'hauspost.toml\nnotes\n');
        assert.equal(await shell(server, 'find /etc/systemd/system /usr/local/lib/hauspost -type f | grep -e dkim -e compile -e upkeep; true'), '');
      }
      const { code, document } = await answered<Plan>(server, 'plan');
      assert.deepEqual([code, document.generation, document.changes.filter(({ drift }) => drift)], [2, 1, []]);
      await passes(server, HOLDS_KEYS ? ['dkim'] : []);
      assert.deepEqual(unshown((await answered<typeof back.document>(server, 'rollback', '2', '--yes')).document), []);
      assert.deepEqual([await differing(server, 2), await stopped(server)], [[], []]);
      await exits(server, 0, 'plan');
      await passes(server);
      assert.deepEqual(await belongings(server), mine);
    });

    test('C5: down and rollback 0 after the checkout was replaced, before anything is applied', async () => {
      await exits(server, 0, 'rollback', '1', '--yes');
      const [, names = ''] = /^Stopped: (.+?)\. /.exec((await exits(server, 0, 'down')).stdout) ?? [];
      assert.deepEqual(names.split(', ').toSorted(), known.toSorted());
      await exits(server, 0, 'rollback', '0', '--yes');
      assert.equal(await shell(server, 'ls /usr/local/lib/hauspost /etc/systemd/system/*.d/hauspost.conf 2>/dev/null; true'), '');
    });
  });
}
