/**
 * C1, C5: a machine that somebody set up by the original's text becomes ours, with its people and their mail, and is given back as it was: every
 * byte, owner and mode, and what ran runs again.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { dated } from '../dated.ts';
import { DOMAIN, HOST, howTo } from '../how-to/index.ts';
import {
  atTerminal,
  boot,
  collect,
  ended,
  fetched,
  HAUSPOST,
  hasSaid,
  type Machine,
  oneDocument,
  type Output,
  readyOn,
  type Release,
  Smtp,
  until,
} from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
const ONE = { user: `one@${DOMAIN}`, pass: 'one-password' };
const NAMED = ['--hostname', HOST, '--domain', DOMAIN];
/** What the original runs; the others were not there. */
const RAN = ['mariadb', 'redis-server', 'rspamd', 'dovecot', 'postfix', 'nginx'];

const shell = async (machine: Machine, script: string): Promise<string> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script], { ms: 300_000 });
  assert.equal(code, 0, stderr);
  return stdout;
};

/** Path, kind, owner, mode, target of a link, and a hash of the bytes, of everything that the original's text touches. */
const snapshot = async (machine: Machine): Promise<ReadonlyMap<string, string>> => {
  const places = '/etc /var/vmail -not -path "/var/vmail/mailboxes/*" -not -path "/etc/hauspost*"';
  const listed = await shell(machine, `find ${places} -printf '%p\\t%y %u:%g %m %l\\n'`);
  const sums = await shell(machine, `find ${places} -type f -exec sha256sum {} +`);
  const hashes = new Map(sums.split('\n').map((line) => [line.slice(66), line.slice(0, 64)]));
  const rows = listed.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')]));
  return new Map(rows.map(([file = '', rest = '']) => [file, `${rest} ${hashes.get(file) ?? ''}`]));
};

/** Written by packages that came meanwhile: the list of Postfix' map types, users, and what the C library and systemd keep. */
const OF_PACKAGES = /^\/etc\/(postfix\/dynamicmaps\.cf|passwd-?|group-?|shadow-?|gshadow-?|ld\.so\.cache|subuid-?|subgid-?|alternatives)$/;

/** Every difference, of what was there before. */
const lost = (was: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly string[] =>
  [...was].flatMap(([file, state]) => (OF_PACKAGES.test(file) || now.get(file) === state ? [] : [`${file}: ${state} -> ${now.get(file) ?? 'gone'}`]));

/** Made by scripts of packages that came meanwhile (links to units, AppArmor's empty local files), and by the original's Dovecot itself. */
const MADE_BY_OTHERS = /^\/etc\/(rc\d\.d\/|systemd\/system\/[^/]+\.wants(\/|$)|ssl\/certs\/|apparmor\.d\/local(\/|$))|\.svbin$/;

/** What was not there before and belongs to no package. */
const left = async (machine: Machine, was: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): Promise<readonly string[]> => {
  const added = [...now.keys()].filter((file) => !was.has(file) && !MADE_BY_OTHERS.test(file));
  // `PACKAGE, PACKAGE: FILE` of those that are; of the others it complains.
  const { stdout } = await machine.run(['dpkg', '-S', ...added]);
  const owned = new Set(stdout.split('\n').map((line) => line.slice(line.indexOf(': /') + 2)));
  return added.filter((file) => !owned.has(file));
};

let sent = 0;
/** A message to one@, over port 25 from the machine itself; its id once it was accepted. */
const send = async (machine: Machine): Promise<string> => {
  const id = `<replace-${++sent}@outside.test>`;
  const { smtp } = await Smtp.open(await machine.dial({ host: '127.0.0.1', port: 25, localAddress: '127.0.0.9' }));
  const lines = ['From: <friend@outside.test>', `To: <${ONE.user}>`, `Message-ID: ${id}`, dated(), 'Subject: Before and after'];
  for (const line of ['EHLO mail.outside.test', 'MAIL FROM:<friend@outside.test>', `RCPT TO:<${ONE.user}>`]) {
    const { code, lines: words } = await smtp.command(line);
    assert.equal(code, 250, `${line}: ${words.join(' ')}`);
  }
  const { code, lines: words } = await smtp.data([...lines, '', 'Is it still there?', ''].join('\r\n'));
  assert.equal(code, 250, words.join(' '));
  smtp.close();
  return id;
};

/** One reads all of them; whose certificate it is matters elsewhere. */
const reads = async (machine: Machine, ids: readonly string[]): Promise<void> => {
  const forward = await machine.forward({ host: '127.0.0.1', port: 993 });
  const imap = new ImapFlow({
    host: '127.0.0.1',
    port: forward.port,
    secure: true,
    auth: ONE,
    logger: false,
    tls: { rejectUnauthorized: false, servername: HOST },
  });
  imap.on('close', () => void forward.close());
  imap.on('error', () => undefined); // the call under way rejects with it
  await imap.connect();
  try {
    for (const id of ids) await fetched(imap, 'INBOX', id);
  } finally {
    await imap.logout();
  }
};

const listens = (machine: Machine, port: number): Promise<true | undefined> =>
  machine.dial({ host: '127.0.0.1', port }).then(
    (socket) => {
      socket.destroy();
      return true;
    },
    () => undefined, // not yet
  );

const finished = (output: Output, code: number, words: readonly string[]): Output => {
  assert.equal(output.code, code, `${words.join(' ')}: ${output.stdout}${output.stderr}`);
  return output;
};

const hauspost = async (machine: Machine, code: number, ...words: readonly string[]): Promise<Output> =>
  finished(await machine.run([HAUSPOST, ...words], { ms: 600_000 }), code, words);

/** What changes nothing, in a process that stays. */
const told = async (machine: Machine, code: number, ...words: readonly string[]): Promise<Output> =>
  finished(await readyOn(machine).run(words), code, words);

/** Among the changes that are asked about: by itself, or with others of its folder. */
const MAIN_CF = /^ {2}change (?:\/etc\/postfix\/main\.cf|in \/etc\/postfix: (?:.*\r\n {6})*.*\bmain\.cf\b)/m;

const states = async (machine: Machine, verb: string, units: readonly string[]): Promise<readonly string[]> =>
  (await machine.run(['systemctl', verb, ...units])).stdout.trim().split('\n');

for (const release of RELEASES) {
  describe(release, () => {
    let machine: Machine;
    let was: ReadonlyMap<string, string>;
    const ids: string[] = [];

    before(async () => {
      machine = await boot({ image: await howTo(release) });
      await machine.checkout();
      await until('the filter listens', () => listens(machine, 11332), 300_000, 500);
      was = await snapshot(machine);
    });
    after(() => machine?.[Symbol.asyncDispose]());

    test('mail flows before, and up does not take the machine over unasked', async () => {
      ids.push(await send(machine));
      await reads(machine, ids);
      const { stderr } = await hauspost(machine, 4, 'up', '--yes');
      for (const word of ['/etc/postfix/main.cf', '/etc/dovecot/dovecot.conf', '/etc/rspamd/local.d/options.inc'])
        assert.ok(stderr.includes(word), `${word}: ${stderr}`);
      assert.match(stderr, /let '\/opt\/hauspost\/hauspost up --replace --hostname \.\.\. --domain \.\.\.' keep it as generation 0\.$/m);
      const { stderr: named } = await told(machine, 4, 'up', '--yes', ...NAMED);
      assert.ok(named.includes(`let '/opt/hauspost/hauspost up --replace ${NAMED.join(' ')}' keep it`), named);
      assert.deepEqual(lost(was, await snapshot(machine)), []);
      await reads(machine, ids);
    });

    test('C1: a server for trying does not take its place unless somebody says so: others still reach it; with options it goes on', async () => {
      const { stderr } = await hauspost(machine, 3, 'up', '--replace', '--yes');
      assert.match(
        stderr,
        /^hauspost: a mail server is configured here \(.*\/etc\/postfix\/main\.cf.*\), and nothing says which one is to take its place/,
      );
      assert.match(
        stderr,
        /^ {2}'\/opt\/hauspost\/hauspost up --replace --hostname \.\.\. --domain \.\.\.' says it, or write \/etc\/hauspost\/hauspost\.toml first/m,
      );
      assert.deepEqual(lost(was, await snapshot(machine)), []);
      assert.match(await shell(machine, 'ss -Hltn "sport = :993"'), / (?:0\.0\.0\.0|\*):993 /);
      await reads(machine, ids);
      const asked = await atTerminal(machine, ['up', '--replace', ...NAMED], '[y/N] ', 'n\n');
      assert.match(asked.stdout, /Make this machine the mail server mail\.mysystems\.test\?/);
      // Whoever means one for trying says so by a file.
      const file = `[server]\nprofile = "local"\npostmaster = "${ONE.user}"\n`;
      assert.equal((await machine.run(['sh', '-c', 'mkdir /etc/hauspost && cat >/etc/hauspost/hauspost.toml'], { input: file })).code, 0);
    });

    test('C1: up --replace makes it ours: its people read what they had, and get mail', async () => {
      const asked = await atTerminal(machine, ['up', '--replace'], '[y/N] ', 'n\n');
      assert.equal(asked.code, 3, asked.stdout);
      assert.match(asked.stdout, MAIN_CF);
      assert.match(asked.stdout, /kept as generation 0; 'hauspost rollback 0' puts it back/);
      assert.match(asked.stdout, /^ {2}remove .*\/etc\/rspamd\b/m);
      assert.doesNotMatch(asked.stdout, /somebody else/, 'nothing was put there since');
      const begun = performance.now();
      await hauspost(machine, 0, 'up', '--replace', '--yes');
      console.log(`    up --replace took ${((performance.now() - begun) / 1000).toFixed(0)} s`);
      ids.push(await send(machine));
      await reads(machine, ids);
      assert.deepEqual(await shell(machine, 'ls /etc/rspamd/local.d'), '');
      await told(machine, 0, 'plan');
      const listed = oneDocument(await told(machine, 0, 'generations', '--json')) as readonly { number: number; committed: boolean }[];
      assert.deepEqual(
        listed.map(({ number, committed }) => [number, committed]),
        [
          [0, false],
          [1, true],
        ],
      );
    });

    test('C5: rollback 0 is asked about, and killed in the middle it is undone by the next command', async () => {
      const asked = await atTerminal(machine, ['rollback', '0'], '[y/N] ', 'n\n');
      assert.equal(asked.code, 3, asked.stdout);
      for (const line of ['stop unbound', 'restart dovecot']) assert.ok(asked.stdout.includes(`  ${line}\r\n`), asked.stdout);
      assert.match(asked.stdout, MAIN_CF);
      assert.match(asked.stdout, /^Packages, people and mail stay, and what waits in the queue; /m);
      const child = machine.spawn([HAUSPOST, 'rollback', '0', '--yes']);
      const stderr = collect(child.stderr);
      const end = ended(child);
      await hasSaid(child, stderr, 'put files back');
      await machine.run(['pkill', '-KILL', '-f', 'main.ts rollback 0']);
      assert.notEqual(await end, 0, stderr.text());
      const plan = await told(machine, 2, 'plan');
      assert.match(plan.stdout, /interrupted/);
      await hauspost(machine, 0, 'apply', '--yes');
      await told(machine, 0, 'plan');
      ids.push(await send(machine));
      await reads(machine, ids);
    });

    test('C5: rollback 0 gives the machine back: bytes, owners, modes, and what ran runs', async () => {
      await shell(machine, 'echo "# by hand" >>/etc/nginx/nginx.conf');
      const { stderr, stdout } = await hauspost(machine, 0, 'rollback', '0', '--yes');
      assert.match(stdout, /before/);
      assert.match(await shell(machine, `tail -n 1 ${/is kept in (\S+)/.exec(stderr)?.[1] ?? ''}/etc/nginx/nginx.conf`), /by hand/);
      const now = await snapshot(machine);
      assert.deepEqual(lost(was, now), []);
      assert.deepEqual(await left(machine, was, now), []);
      const unit = release === 'bookworm' ? 'postfix@-' : 'postfix';
      assert.deepEqual(
        await states(
          machine,
          'is-active',
          RAN.map((name) => (name === 'postfix' ? unit : name)),
        ),
        RAN.map(() => 'active'),
      );
      assert.deepEqual(await states(machine, 'is-active', ['unbound', 'hauspost-dkim-keys', 'hauspost-upkeep']), [
        'inactive',
        'inactive',
        'inactive',
      ]);
      assert.deepEqual(await states(machine, 'is-enabled', ['unbound', 'dovecot']), ['disabled', 'enabled']);
      ids.push(await send(machine));
      await reads(machine, ids);
      const nothing = await hauspost(machine, 0, 'rollback', '0', '--yes');
      assert.match(nothing.stdout, /Nothing to do/);
      const { stderr: none } = await told(machine, 4, 'status');
      assert.match(none, /^hauspost: no mail server of Hauspost is in place on this machine\n {2}'\/opt\/hauspost\/hauspost up' makes one/);
      const { stdout: all } = await told(machine, 0, 'generations');
      assert.match(all, /^None of them is in place\. In the checkout '\.\/hauspost rollback N'/m);
      const again = await atTerminal(machine, ['up', '--replace'], '[y/N] ', 'n\n');
      assert.match(again.stdout, /^ {2}remove .*\/etc\/rspamd\b/m);
      assert.doesNotMatch(again.stdout, /somebody else/, "what rollback 0 has put back is nobody else's");
    });

    test('C5: taken over once more, generation 0 is what was there then', async () => {
      await shell(machine, 'echo "# later" >>/etc/postfix/main.cf && chmod 600 /etc/postfix/main.cf');
      const then = await snapshot(machine);
      await hauspost(machine, 0, 'up', '--replace', '--yes');
      ids.push(await send(machine));
      await reads(machine, ids);
      await hauspost(machine, 0, 'rollback', '0', '--yes');
      assert.deepEqual(lost(then, await snapshot(machine)), []);
      ids.push(await send(machine));
      await reads(machine, ids);
    });
  });
}
