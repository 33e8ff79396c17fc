/** C5: earlier configurations are listed and put back, with all that belongs to them; what does not work is undone, and none is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atTerminal, collect, ended, filesDigest, HAUSPOST, hasSaid, oneDocument, type Server, until, upRecord } from '../index.ts';
import { announcedSize, answered, configure, exits, type Failure, type Plan } from '../operator.ts';
import { begunAnew } from '../parts/anew.ts';
import { onEachRelease } from '../scenario.ts';
import { sql } from '../sql.ts';
import { holdUpkeep } from '../upkeep.ts';

interface Listed {
  readonly number: number;
  readonly created: string;
  readonly summary: string;
  readonly options: readonly string[];
  readonly compared_with: number | null;
  readonly version: string;
  readonly committed: boolean;
}

interface Judgement {
  readonly ok?: boolean;
  readonly findings: readonly { readonly code: string; readonly message: string }[];
}

const OTHER = '127.0.0.5';
const FILE = '/etc/hauspost/hauspost.toml';

const listed = async (server: Server): Promise<readonly Listed[]> => (await answered<readonly Listed[]>(server, 'generations')).document;
/** Number of the one in place, and all of them. */
const place = async (server: Server): Promise<readonly [number | undefined, readonly number[]]> => {
  const all = await listed(server);
  return [all.find(({ committed }) => committed)?.number, all.map(({ number }) => number)];
};

/** What it says of the file. */
const ofFile = ({ findings }: Judgement): readonly string[] =>
  findings.flatMap(({ code, message }) => (code === 'config.not-in-place' ? [message] : []));

/** The self-test passes; what it says of the file. A process of Postfix that was idle may answer once more with the certificate of before. */
const passes = (server: Server): Promise<readonly string[]> =>
  until(
    'the self-test passes',
    async () => {
      const { document } = await answered<Judgement>(server, 'selftest');
      return document.ok === true ? ofFile(document) : undefined;
    },
    60_000,
    500,
  );

const shell = async ({ machine }: Server, script: string): Promise<string> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script]);
  assert.equal(code, 0, stderr);
  return stdout;
};

/** Daemons that those two options and the host name are for. */
const CONCERNED = ['dovecot', 'nginx', 'postfix', 'rspamd', 'unbound'];
const checkedIn = ({ stderr }: { readonly stderr: string }): readonly string[] =>
  [...stderr.matchAll(/^ ok check (\S+)/gm)].map(([, name = '']) => name).toSorted();

/** What belongs to a configuration: our files, but for the operator's own. */
const rendered = (server: Server): Promise<string> =>
  shell(
    server,
    'cd /etc && find postfix dovecot rspamd unbound nginx redis mysql systemd -type f | sort | xargs stat -c "%n %a %U:%G" -- && cat postfix/*.cf dovecot/dovecot.conf nginx/nginx.conf unbound/unbound.conf',
  );

const isNamed = async (server: Server, name: string): Promise<void> => {
  const smtp = await server.stranger({ port: 587 });
  const { lines } = await smtp.command('EHLO mail.outside.test');
  smtp.close();
  assert.equal(lines[0], name);
};

onEachRelease((get) => {
  test('C5: rollback puts the one before back, any one by its number, and hauspost.toml is not touched', async () => {
    const server = get();
    const first = await rendered(server);
    await configure(
      server,
      `hostname = "post.hauspost.test"\n[network]\nbind = ["127.0.0.1", "::1", "${OTHER}"]\n[mail]\nmessage_size_limit = "20M"\n`,
    );
    await exits(server, 0, 'apply', '--yes');
    const second = await rendered(server);
    await isNamed(server, 'post.hauspost.test');
    await configure(server, '[mail]\nmessage_size_limit = "31M"\n[web_ui]\nenabled = false\n');
    assert.deepEqual(checkedIn(await upRecord(server.machine)), [...CONCERNED, 'mariadb', 'redis', 'dkim-keys', 'upkeep'].toSorted());
    assert.deepEqual(checkedIn(await exits(server, 0, 'apply', '--yes')), CONCERNED, 'who gets to read nothing else is not asked again');
    const [third, text] = [await rendered(server), await shell(server, `cat ${FILE}`)];
    assert.deepEqual(await place(server), [3, [0, 1, 2, 3]]);

    const before = await filesDigest(server.machine);
    const asked = async (): Promise<string> => {
      const { code, document } = await answered<{ error: { asked: readonly { text: string; question: string }[] } }>(server, 'rollback');
      const [{ text: shown, question } = { text: '', question: '' }] = document.error.asked;
      assert.deepEqual([code, question, shown.startsWith('These changes would be made:\n')], [3, 'Make these changes?', true]);
      return shown;
    };
    const told = `
Generation 2 makes this machine post.hauspost.test (profile "local"), whose postmaster is demo@hauspost.test.
It was made from other options than generation 3, which is in place:
  server.hostname: not written -> "post.hauspost.test"
  network.bind: not written -> ["127.0.0.1", "::1", "${OTHER}"]
  mail.message_size_limit: "31M" -> "20M"
  web_ui.enabled: false -> not written`;
    assert.equal((await asked()).slice(-told.length), told);
    await sql(server.machine, "UPDATE accounts SET enabled = 0 WHERE username = 'demo'");
    assert.match(
      (await asked()).split(told)[1] ?? '',
      /^\nAttention: then nobody here receives the mail of the postmaster, demo@hauspost\.test: .*\.\n {2}'hauspost account set /,
    );
    await sql(server.machine, "UPDATE accounts SET enabled = 1 WHERE username = 'demo'");
    const noTerminal = /^These changes would be made:\n[\s\S]*\nhauspost: there is a question and no terminal to ask at: Make these changes\?\n/;
    const { stderr } = await exits(server, 3, 'rollback');
    assert.match(stderr, noTerminal);
    assert.ok(stderr.includes(`${told}\nhauspost: `), stderr);
    const refused = await atTerminal(server.machine, ['rollback'], '[y/N] ', 'n\n');
    assert.equal(refused.code, 3, refused.stdout);
    assert.match(refused.stdout, / {2}change \/etc\/postfix\/main\.cf\r\n/);
    assert.equal(await filesDigest(server.machine), before);
    assert.deepEqual([await announcedSize(server), await place(server)], ['SIZE 32505856', [3, [0, 1, 2, 3]]]);

    const agreed = await atTerminal(server.machine, ['rollback'], '[y/N] ', 'y\n');
    assert.equal(agreed.code, 0, agreed.stdout);
    assert.match(agreed.stdout, /Generation 2 is in place \(\d+ changes\)\.\r\nhauspost\.toml is as it was; 'hauspost plan' shows/);
    assert.equal(await announcedSize(server), 'SIZE 20971520');
    await isNamed(server, 'post.hauspost.test');
    assert.deepEqual([await rendered(server), await place(server), await shell(server, `cat ${FILE}`)], [second, [2, [0, 1, 2, 3]], text]);
    const plan = await answered<Plan>(server, 'plan');
    assert.deepEqual([plan.code, plan.document.generation], [2, 2]);
    const diff = plan.document.changes.find(({ target }) => target === '/etc/postfix/main.cf');
    assert.match(diff?.diff ?? '', /^-message_size_limit = 20971520$\n^\+message_size_limit = 32505856$/m);
    assert.equal(diff?.drift, false);
    const otherwise = `generation 2 is in place, and ${FILE} says otherwise: mail.message_size_limit, web_ui.enabled, server.hostname, network.bind`;
    assert.deepEqual(await passes(server), [otherwise]);
    for (const command of ['status', 'doctor']) assert.deepEqual(ofFile((await answered<Judgement>(server, command)).document), [otherwise], command);

    const back = await answered<{ applied: boolean; generation: number }>(server, 'rollback', '--yes');
    assert.deepEqual([back.code, back.document.applied, back.document.generation], [0, true, 1]);
    assert.equal(await announcedSize(server), 'SIZE 52428800');
    await isNamed(server, 'mail.hauspost.test');
    assert.deepEqual([await rendered(server), await place(server)], [first, [1, [0, 1, 2, 3]]]);
    const down = await exits(server, 0, 'down');
    assert.match(
      down.stdout,
      /^Stopped: upkeep, .*, unbound\. 'hauspost up' starts the daemons again\.\nAttention: generation 1 is in place, .* says otherwise: mail\..*\n.*'hauspost rollback 1' only starts what is stopped\.\n$/,
    );
    assert.match((await exits(server, 0, 'down')).stdout, /^Nothing was running\. 'hauspost up' starts the daemons\.\nAttention: generation 1 /);
    const stopped = (await exits(server, 0, 'status')).stdout;
    assert.match(stopped, /^All daemons are stopped, as 'hauspost down' leaves them; 'hauspost up' starts them\.\n[\s\S]*^Attention: generation 1 /m);
    assert.doesNotMatch(stopped, /Not running/);
    const declined = await atTerminal(server.machine, ['up'], '[y/N] ', 'n\n');
    assert.equal(declined.code, 3, declined.stdout);
    assert.match(
      declined.stdout,
      /hauspost\.toml asks for another configuration than generation 1, .*'hauspost rollback 1' starts that one as it is\./,
    );
    await exits(server, 0, 'rollback', '1', '--yes');
    assert.deepEqual([await announcedSize(server), await rendered(server)], ['SIZE 52428800', first]);
    const nothing = await answered<Failure>(server, 'rollback', '--yes');
    assert.deepEqual([nothing.code, nothing.document.error.message], [3, "generation 1, which is in place, is the first of Hauspost's"]);
    assert.match(
      nothing.document.error.remedy,
      /^'hauspost rollback 0' puts back what was there before the first 'up': then this machine is no mail server/,
    );

    await exits(server, 0, 'rollback', '3', '--yes');
    assert.equal(await announcedSize(server), 'SIZE 32505856');
    assert.deepEqual([await rendered(server), await place(server)], [third, [3, [0, 1, 2, 3]]]);
    await exits(server, 0, 'plan');
    assert.match((await exits(server, 0, 'rollback', '3')).stdout, /^Nothing to do; generation 3 is in place\.$/m);
    assert.deepEqual([await passes(server), ofFile((await answered<Judgement>(server, 'status')).document)], [[], []]);
  });

  test('C5: generations says when, what and by which version', async () => {
    const server = get();
    const all = await listed(server);
    const version = (await shell(server, `${HAUSPOST} --version`)).trim();
    const [zero, ...applied] = all;
    assert.deepEqual([zero?.number, zero?.summary], [0, 'what was there before the first apply']);
    for (const { created, summary, version: by } of applied) {
      assert.ok(Math.abs(Date.now() - Date.parse(created)) < 86_400_000, created);
      assert.match(summary, /\d+ files?/);
      assert.ok(version.endsWith(by), `${version} ${by}`);
    }
    const second = ['server.hostname', 'network.bind', 'mail.message_size_limit'];
    assert.deepEqual(
      all.slice(2).map(({ options }) => options),
      [second, ['mail.message_size_limit', 'web_ui.enabled', 'server.hostname', 'network.bind']],
    );
    assert.deepEqual(
      all.map(({ compared_with: other }) => other),
      [null, null, 1, 2],
    );
    assert.match(
      (await exits(server, 0, 'generations')).stdout,
      /^ +2 .* against 1: .*; in hauspost\.toml: server\.hostname, network\.bind, mail\.message_size_limit$/m,
    );
    assert.match((await exits(server, 0, 'generations')).stdout, /^ +2 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d .*$\n^\* +3 /m);
  });

  test('C5: what is asked for wrongly changes nothing', async () => {
    const server = get();
    const meta = '/var/lib/hauspost/generations/2/meta.json';
    const other = (await shell(server, `cat ${meta}`)).includes('bookworm') ? 'trixie' : 'bookworm';
    const before = await filesDigest(server.machine);
    for (const word of ['99', 'x', '-1', '2.0', ' 2', '2\n', '', '-2']) {
      const output = await server.hauspost(['rollback', '--yes', '--json', ...(word === '-2' ? [] : ['--']), word]);
      assert.equal(output.code, 3, word);
      const { error } = oneDocument(output) as Failure;
      assert.deepEqual(
        [error.message, error.remedy],
        [`there is no generation ${JSON.stringify(word)}`, "There are: 0, 1, 2, 3. See 'hauspost generations'."],
      );
    }
    await shell(server, `cp -a ${meta} /root/meta.json && sed 's/bookworm\\|trixie/${other}/' /root/meta.json >${meta}`);
    assert.match(
      (await exits(server, 3, 'rollback', '2', '--yes')).stderr,
      new RegExp(`^hauspost: generation 2 was made for Debian ${other}, and this machine is `),
    );
    await shell(server, `cp -p /root/meta.json ${meta} && rm /root/meta.json`);
    assert.equal(await filesDigest(server.machine), before);
  });

  test('C5: one that was made for a daemon of another dialect is refused, and not one for another version of the same', async () => {
    const server = get();
    const input = '/var/lib/hauspost/generations/2/input.json';
    const before = await filesDigest(server.machine);
    const made = JSON.parse(await shell(server, `cat ${input}`)) as { facts: { versions: { dovecot: string } } };
    const installed = made.facts.versions.dovecot;
    const [other, next] = installed.startsWith('2.3.') ? ['2.4.1', '2.3.99'] : ['2.3.19', '2.4.99'];
    const madeFor = (version: string): Promise<string> =>
      shell(server, `cp -a ${input} /root/input.json && sed 's/"dovecot": "${installed}"/"dovecot": "${version}"/' /root/input.json >${input}`);
    const madeAgain = (): Promise<string> => shell(server, `cp -p /root/input.json ${input} && rm /root/input.json`);
    await madeFor(other);
    const refused = await answered<Failure>(server, 'rollback', '2', '--yes');
    assert.deepEqual(
      [refused.code, refused.document.error.code, refused.document.error.message],
      [3, 'rollback.dialect', `generation 2 was made for dovecot ${other}, and installed is dovecot ${installed}`],
    );
    await madeAgain();
    await madeFor(next);
    assert.match((await exits(server, 3, 'rollback', '2')).stderr, /a question and no terminal to ask at: Make these changes\?/);
    await madeAgain();
    assert.equal(await filesDigest(server.machine), before);
  });

  test('C5: one that a newer Hauspost made is listed, and refused in words, in place or not; the others are not', async () => {
    const server = get();
    const folder = '/var/lib/hauspost/generations';
    const before = await filesDigest(server.machine);
    const words = (number: number): string => `generation ${number} was made by Hauspost 99.1.0, and this version cannot read it`;
    const newer = (number: number): Promise<string> =>
      shell(
        server,
        `cp -a ${folder}/${number}/meta.json /root/ && sed 's/"format": [0-9]*/"format": 99/; s/"version": "[^"]*"/"version": "99.1.0"/' /root/meta.json >${folder}/${number}/meta.json`,
      );
    const older = (number: number): Promise<string> => shell(server, `cp -p /root/meta.json ${folder}/${number}/ && rm /root/meta.json`);
    await newer(2);
    const refused = await answered<Failure>(server, 'rollback', '2', '--yes');
    assert.deepEqual([refused.code, refused.document.error.code, refused.document.error.message], [3, 'generation.newer', words(2)]);
    assert.match(refused.document.error.remedy, /Use Hauspost 99\.1\.0 or a newer one/);
    const { stdout } = await exits(server, 0, 'generations');
    assert.match(stdout, /^ +2 +\S+ \S+ +99\.1\.0 .*\(made by a newer version: this one cannot put it back\)$/m);
    assert.deepEqual(
      (await answered<readonly { readable: boolean }[]>(server, 'generations')).document.map(({ readable }) => readable),
      [true, true, false, true],
    );
    assert.match((await exits(server, 3, 'rollback', '1')).stderr, /a question and no terminal to ask at/);
    await exits(server, 0, 'plan');
    await older(2);

    await newer(3);
    for (const command of ['plan', 'apply', 'status', 'rollback', 'up', 'down'])
      assert.match((await exits(server, 3, command)).stderr, new RegExp(`^hauspost: ${words(3)}$`, 'm'), command);
    await older(3);

    const manifest = `${folder}/2/manifest.json`;
    await shell(server, `cp -a ${manifest} /root/manifest.json && sed '0,/"kind": "file"/s//"kind": "quark"/' /root/manifest.json >${manifest}`);
    assert.equal(
      (await answered<Failure>(server, 'rollback', '2', '--yes')).document.error.code,
      'generation.newer',
      'an item of a kind that is unknown',
    );
    await exits(server, 0, 'generations');
    await shell(server, `cp -p /root/manifest.json ${manifest} && rm /root/manifest.json`);
    assert.equal(await filesDigest(server.machine), before);
    await exits(server, 0, 'plan');
  });

  test('C5: a hand edit is shown as such and kept, the one in place included', async () => {
    const server = get();
    await shell(server, 'echo "# edited by hand" >>/etc/postfix/main.cf');
    const asked = await atTerminal(server.machine, ['rollback', '3'], '[y/N] ', 'y\n');
    assert.equal(asked.code, 0, asked.stdout);
    assert.match(asked.stdout, /change \/etc\/postfix\/main\.cf \(changed by somebody else since; a copy is kept\)/);
    const kept = /is kept in (\S+)/.exec(asked.stdout)?.[1] ?? '';
    assert.match(await shell(server, `tail -n 1 ${kept}/etc/postfix/main.cf`), /edited by hand/);
    assert.doesNotMatch(await shell(server, 'cat /etc/postfix/main.cf'), /edited by hand/);
    assert.deepEqual(await place(server), [3, [0, 1, 2, 3]]);
  });

  test('C5: one that does not start any more is left again, and stays in the list', async () => {
    const server = get();
    // In the machine's network, but a process of the host: it stands for one that comes after the look at the ports.
    const taken = await server.machine.listen({ host: OTHER, port: 587 });
    taken.on('connection', (socket) => socket.destroy());
    const failed = await answered<Failure>(server, 'rollback', '2', '--yes');
    await new Promise<void>((resolve) => taken.close(() => resolve()));
    assert.deepEqual([failed.code, failed.document.error.code], [1, 'activate.not-well']);
    assert.deepEqual([await announcedSize(server), await place(server)], ['SIZE 32505856', [3, [0, 1, 2, 3]]]);
    await exits(server, 0, 'plan');
  });

  test('C5: it is killed in the middle: plan says so, the next one undoes that and goes on; nothing is lost from the list', async () => {
    const server = get();
    // It may have waited for the rollback, and then is the one that is at work.
    await holdUpkeep(server.machine);
    const child = server.machine.spawn([HAUSPOST, 'rollback', '2', '--yes']);
    const stderr = collect(child.stderr);
    await hasSaid(child, stderr, ' ok write files');
    await server.machine.run(['pkill', '-KILL', '-f', 'main.ts rollback 2']);
    assert.notEqual(await ended(child), 0);
    const { code, document } = await answered<Plan>(server, 'plan');
    assert.deepEqual([code, document.generation, document.interrupted], [2, 3, 2]);
    const again = await exits(server, 0, 'rollback', '2', '--yes');
    assert.match(again.stderr, /an earlier change \(generation 2\) was interrupted; it is undone first/);
    assert.deepEqual([await announcedSize(server), await place(server)], ['SIZE 20971520', [2, [0, 1, 2, 3]]]);
    await isNamed(server, 'post.hauspost.test');
  });

  test('C5, M14: DKIM keys that came since are shown by the resolver of whichever configuration, and the self-test verifies them', async () => {
    const server = get();
    const signing = async (): Promise<readonly string[]> =>
      (await answered<readonly { selector: string; state: string }[]>(server, 'dkim', 'list')).document
        .filter(({ state }) => state === 'active')
        .map(({ selector }) => selector)
        .toSorted();
    const before = await signing();
    await exits(server, 0, 'dkim', 'rotate');
    const keys = await signing();
    assert.deepEqual([keys.length, keys.filter((key) => before.includes(key))], [2, []]);
    assert.doesNotMatch((await exits(server, 0, 'rollback', '3', '--yes')).stderr, /DKIM/);
    const verified = async (): Promise<string> => {
      const { document } = await answered<{ ok: boolean; steps: readonly { name: string; detail: string }[] }>(server, 'selftest');
      if (!document.ok) return '';
      const [detail = ''] = document.steps.flatMap(({ name, detail: of }) => (name === 'dkim' ? [of.replace('selector ', '')] : []));
      return detail.split(', ').toSorted().join();
    };
    // Rspamd reads its maps a moment later; a process of Postfix that was idle answers once more with the certificate of before (the host name is another).
    await until('the self-test passes, and verifies the keys that came', async () => (await verified()) === keys.join() || undefined, 60_000, 500);
    await exits(server, 0, 'plan');
  });
}, begunAnew);
