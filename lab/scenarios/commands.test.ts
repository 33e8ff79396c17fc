/** The exit codes, each provoked for real beside an accepted twin; plan, apply and drift as C3, C4 and C6 say. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { atTerminal, collect, ended, filesDigest, HAUSPOST, type Output, oneDocument, type Release, type Server, serve, until } from '../index.ts';
import { announcedSize, answered, configure, exits, type Failure, type Plan } from '../operator.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
const OTHER = '127.0.0.5';

const noneStopped = async (server: Server): Promise<void> => {
  const { document } = await answered<{ services: { name: string; state: string }[] }>(server, 'status');
  assert.deepEqual(
    document.services.filter(({ state }) => state !== 'running'),
    [],
  );
};

/** Greets on submission at `host`; rejects where nobody does. */
const submissionAt = async (server: Server, host: string): Promise<number> => {
  const smtp = await server.stranger({ host, port: 587 });
  smtp.close();
  return 220;
};

/** Who signed what is shown on 993. */
const servedIssuer = async (server: Server): Promise<string> => {
  const socket = await server.machine.dial({ host: '127.0.0.1', port: 993 });
  const secure = connectTls({ socket, rejectUnauthorized: false });
  await new Promise((resolve, reject) => secure.on('secureConnect', resolve).on('error', reject));
  const { issuer } = secure.getPeerCertificate();
  secure.destroy();
  return String(issuer.CN);
};

const applying = (get: () => Server): void => {
  test('C3, C4: plan answers 2 with the difference, apply makes it, and the daemon uses it', async () => {
    const server = get();
    // A file system that no overlay can lie on, since it is one on one: the private view for the checks does without it.
    const deep =
      'mkdir -p /srv/up /srv/deep; mount -t tmpfs t /srv/up; mkdir /srv/up/u /srv/up/w; mount -t overlay o -o lowerdir=/usr,upperdir=/srv/up/u,workdir=/srv/up/w /srv/deep';
    const mounted = await server.machine.run(['sh', '-c', deep]);
    assert.equal(mounted.code, 0, mounted.stderr);
    assert.equal(await announcedSize(server), 'SIZE 52428800');
    await configure(server, '[mail]\nmessage_size_limit = "20M"\n');
    const { code, document } = await answered<Plan>(server, 'plan');
    assert.equal(code, 2);
    assert.equal(document.generation, 1);
    const postfix = document.changes.find(({ target }) => target === '/etc/postfix/main.cf');
    assert.deepEqual([postfix?.kind, postfix?.action, postfix?.needs, postfix?.drift], ['file', 'change', ['reload postfix'], false]);
    assert.match(postfix?.diff ?? '', /^-message_size_limit = 52428800$\n^\+message_size_limit = 20971520$/m);
    assert.match(
      (await exits(server, 2, 'plan')).stdout,
      /^change \/etc\/postfix\/main\.cf {2}\(reload postfix\)\n[\s\S]*'hauspost apply' makes them\.\n$/m,
    );
    const before = await filesDigest(server.machine);
    assert.match((await exits(server, 3, 'apply')).stderr, /^hauspost: there is a question and no terminal to ask at: Make these changes\?\n/);
    const refused = await atTerminal(server.machine, ['apply'], '[y/N] ', 'n\n');
    assert.equal(refused.code, 3, refused.stdout);
    assert.match(refused.stdout, / {2}change \/etc\/postfix\/main\.cf\r\n/);
    assert.equal(await filesDigest(server.machine), before);
    assert.equal(await announcedSize(server), 'SIZE 52428800');
    const agreed = await atTerminal(server.machine, ['apply'], '[y/N] ', 'y\n');
    assert.equal(agreed.code, 0, agreed.stdout);
    assert.match(agreed.stdout, /Generation 2 is in place/);
    assert.equal(await announcedSize(server), 'SIZE 20971520');
    const again = await answered<{ applied: boolean; generation: number; changes: unknown[] }>(server, 'apply');
    assert.deepEqual([again.code, again.document.applied, again.document.generation, again.document.changes], [0, false, 2, []]);
    assert.deepEqual((await answered(server, 'plan')).document, { changes: [], generation: 2 });
  });

  test('exit 4, and nothing changed: a port that another program holds; the program is named', async () => {
    const server = get();
    await configure(server, `[network]\nbind = ["127.0.0.1", "::1", "${OTHER}"]\n`);
    const script = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => "${OTHER}:587", Listen => 1) or die; print "$$\\n"; $| = 1; print ""; sleep 600`;
    const holder = server.machine.spawn(['perl', '-e', script]);
    const said = collect(holder.stdout);
    const pid = await until('the port is taken', () => /^(\d+)\n/.exec(said.text())?.[1], 20_000);
    const before = await filesDigest(server.machine);
    const { stderr } = await exits(server, 4, 'apply', '--yes');
    assert.match(stderr, new RegExp(`^hauspost: ports that a mail server needs are taken: ${OTHER}:587 by perl \\(process ${pid}\\)\\n {2}\\S`, 'm'));
    assert.equal(await filesDigest(server.machine), before);
    await server.machine.run(['kill', pid]);
    await ended(holder);
  });

  test('exit 1, and the machine works on as before: a daemon cannot start with the new configuration', async () => {
    const server = get();
    // In the machine's network, but a process of the host: it stands for one that comes after apply has looked.
    const taken = await server.machine.listen({ host: OTHER, port: 587 });
    taken.on('connection', (socket) => socket.destroy());
    const begun = performance.now();
    const failed = await answered<Failure>(server, 'apply', '--yes');
    console.log(`    gave up and went back in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    assert.equal(failed.code, 1);
    assert.deepEqual([failed.document.error.blame, failed.document.error.code], ['failure', 'activate.not-well']);
    assert.match(failed.document.error.message, /^postfix does not run well: /);
    assert.match(failed.document.error.message, /127\.0\.0\.5 port 587: Address already in use/, "the daemon's own words");
    await noneStopped(server);
    assert.equal(await announcedSize(server), 'SIZE 20971520');
    await assert.rejects(submissionAt(server, OTHER));
    const { document } = await answered<Plan>(server, 'plan');
    assert.equal(document.generation, 2);
    assert.ok(document.changes.length > 0 && document.changes.every(({ drift }) => !drift), JSON.stringify(document.changes));
    const selftest = await answered<{ ok: boolean }>(server, 'selftest');
    assert.deepEqual([selftest.code, selftest.document.ok], [0, true]);
    await new Promise((resolve) => taken.close(resolve));
  });

  test('exit 0, once the port is free; meanwhile exit 4 for whoever also wants to apply, naming the holder', async () => {
    const server = get();
    const first = server.machine.spawn([HAUSPOST, 'apply', '--yes']);
    const [stdout, stderr] = [collect(first.stdout), collect(first.stderr)];
    await until('the first one works', () => stderr.text().includes('... stage') || first.exitCode !== null || undefined, 60_000);
    const second = await answered<Failure>(server, 'apply', '--yes');
    assert.equal(second.code, 4);
    assert.equal(second.document.error.code, 'lock.held');
    const pid = /^another change is under way: 'hauspost apply' \(process (\d+)\)$/.exec(second.document.error.message)?.[1];
    assert.ok(pid !== undefined, second.document.error.message);
    assert.equal(await ended(first), 0, stdout.text() + stderr.text());
    assert.equal(await submissionAt(server, OTHER), 220);
    assert.equal(await announcedSize(server), 'SIZE 52428800');
  });

  test('exit 1, and nothing changed: a certificate that cannot be read; a right one is served', async () => {
    const server = get();
    const place = '/etc/ssl/hauspost-test';
    await configure(server, `[tls]\nsource = "files"\nkey = "${place}/key.pem"\nchain = "${place}/chain.pem"\n`);
    const generation = (await answered<Plan>(server, 'plan')).document.generation;
    const files = async (): Promise<string> =>
      (await server.machine.run(['sh', '-c', 'cat /etc/postfix/*.cf /etc/dovecot/dovecot.conf /etc/nginx/nginx.conf'])).stdout;
    const before = await files();
    const script =
      'mkdir -p $1 && cd $1 && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out good.pem -days 90 -subj "/CN=Somebody else" -addext subjectAltName=DNS:mail.hauspost.test';
    assert.equal((await server.machine.run(['sh', '-c', script, 'make', place])).code, 0);
    const { stderr } = await exits(server, 1, 'apply', '--yes');
    assert.match(stderr, /nothing was changed/);
    assert.ok(stderr.includes(`${place}/chain.pem`), stderr);
    assert.equal(await files(), before);
    assert.equal((await answered<Plan>(server, 'plan')).document.generation, generation);
    assert.match(await servedIssuer(server), /^Hauspost local authority/);
    await server.machine.run(['mv', `${place}/good.pem`, `${place}/chain.pem`]);
    await exits(server, 0, 'apply', '--yes');
    assert.equal(await servedIssuer(server), 'Somebody else');
  });
};

const drift = (get: () => Server): void => {
  const MAIN = '/etc/postfix/main.cf';
  const CONTROLLER = '/etc/rspamd/override.d/worker-controller.inc';

  test('C3, C6: a hand edit is drift: shown by plan and status, and not overwritten without a yes', async () => {
    const server = get();
    const edit = async (file: string): Promise<void> => void (await server.machine.run(['sh', '-c', 'echo "# edited by hand" >>"$1"', 'edit', file]));
    const edited = async (file: string): Promise<boolean> => (await server.machine.run(['grep', '-q', 'edited by hand', file])).code === 0;
    await edit(MAIN);
    await edit(CONTROLLER);
    await server.machine.run(['chmod', '600', '/etc/nginx/nginx.conf']);
    const { code, document } = await answered<Plan>(server, 'plan');
    assert.equal(code, 2);
    assert.deepEqual(
      document.changes.map(({ target, drift: by }) => [target, by]).toSorted(),
      [CONTROLLER, '/etc/nginx/nginx.conf', MAIN].map((file) => [file, true]).toSorted(),
    );
    assert.match(document.changes.find(({ target }) => target === MAIN)?.diff ?? '', /^-# edited by hand$/m);
    assert.match((await exits(server, 2, 'plan')).stdout, /^change \/etc\/postfix\/main\.cf .*\[changed by somebody else since it was applied\]$/m);
    const status = (await answered<{ drift: readonly string[] }>(server, 'status')).document;
    assert.deepEqual(status.drift.toSorted(), [CONTROLLER, '/etc/nginx/nginx.conf', MAIN].toSorted());
    assert.match((await exits(server, 0, 'status')).stdout, /^Changed by somebody else: .*\/etc\/postfix\/main\.cf/m);
    for (const words of [['apply'], ['up']]) await exits(server, 3, ...words);
    await server.order('domain', 'add', 'drift.test');
    const asked = await atTerminal(server.machine, ['apply'], '[y/N] ', 'n\n');
    assert.match(asked.stdout, /change \/etc\/postfix\/main\.cf \(changed by somebody else since; a copy is kept\)/);
    assert.ok((await edited(MAIN)) && (await edited(CONTROLLER)), 'the edits are still there');
    const { stderr } = await exits(server, 0, 'apply', '--yes');
    assert.ok(!(await edited(MAIN)) && !(await edited(CONTROLLER)));
    const kept = /^ +what somebody had changed by hand is kept in (\S+)$/m.exec(stderr)?.[1] ?? '';
    for (const file of [MAIN, CONTROLLER]) assert.ok(await edited(`${kept}${file}`), `${kept}${file}`);
    assert.equal((await server.machine.run(['stat', '-c', '%a', `${kept}/etc/nginx/nginx.conf`])).stdout, '600\n');
    assert.equal((await server.machine.run(['stat', '-c', '%a', '/etc/nginx/nginx.conf'])).stdout, '644\n');
    assert.deepEqual((await answered<{ drift: unknown }>(server, 'status')).document.drift, []);
  });
};

const environment = (get: () => Server): void => {
  test('exit 4: not root, saying so; what needs no root is done', async () => {
    const server = get();
    const visitor = (...words: readonly string[]): Promise<Output> =>
      server.machine.run([HAUSPOST, ...words], { user: 'www-data', env: { HOME: '/nonexistent' } });
    for (const words of [
      ['plan'],
      ['apply', '--yes'],
      ['up', '--yes'],
      ['down'],
      ['status'],
      ['account', 'list'],
      ['domain', 'remove', 'hauspost.test', '--with-everything'],
    ]) {
      const { code, stdout, stderr } = await visitor(...words);
      const command = words.filter((word) => !word.startsWith('-') && !word.includes('.')).join(' ');
      assert.deepEqual([code, stdout, stderr], [4, '', `hauspost: 'hauspost ${command}' needs root\n  Run: sudo hauspost ${words.join(' ')}\n`]);
    }
    assert.deepEqual((oneDocument(await visitor('plan', '--json')) as Failure).error.code, 'needs.root');
    for (const words of [['config', 'check'], ['config', 'explain', 'tls'], ['plan', '--help'], ['--version']])
      assert.equal((await visitor(...words)).code, 0, words.join(' '));
    await server.machine.run(['sh', '-c', 'install -m 600 /dev/null /tmp/secret.toml']);
    const unreadable = await visitor('config', 'check', '/tmp/secret.toml');
    assert.equal(unreadable.code, 4, unreadable.stderr);
    assert.match(unreadable.stderr, /^hauspost: \/tmp\/secret\.toml may not be read by this user\n/);
  });

  test('exit 4: the database is away; exit 0 when it is back', async () => {
    const server = get();
    await server.machine.run(['systemctl', 'stop', 'mariadb.service']);
    const { code, document } = await answered<Failure>(server, 'account', 'list');
    assert.deepEqual([code, document.error.blame, document.error.code], [4, 'environment', 'directory.unreachable']);
    assert.match(document.error.remedy, /hauspost up/);
    assert.match((await exits(server, 2, 'plan')).stdout, /^start mariadb/m);
    await server.machine.run(['systemctl', 'start', 'mariadb.service']);
    await exits(server, 0, 'account', 'list');
  });

  test('exit 3: a configuration that is wrong stops every command that needs it, and every mistake is told', async () => {
    const server = get();
    await configure(server, 'colour = "blue"\n[mail]\ndefault_quota = "lots"\n');
    const before = await filesDigest(server.machine);
    for (const words of [['plan'], ['apply', '--yes'], ['up', '--yes'], ['config', 'check']]) {
      const { stdout, stderr } = await exits(server, 3, ...words);
      assert.equal(stdout, '');
      assert.match(
        stderr,
        /^\/etc\/hauspost\/hauspost\.toml:3:\d+: .*server\.colour.*\n {2}\S.*\n\/etc\/hauspost\/hauspost\.toml:5:\d+: .*mail\.default_quota.*\n {2}\S.*\nhauspost: 2 mistakes\n$/,
      );
    }
    const status = await server.hauspost(['status', '--json']);
    const { services } = oneDocument(status) as { services: { state: string }[] };
    assert.deepEqual([status.code, services.length, services.every(({ state }) => state === 'running')], [0, 7, true]);
    assert.match(status.stderr, /^warning: \/etc\/hauspost\/hauspost\.toml cannot be used \(.*\); this is about the configuration in place$/m);
    await configure(server, '[network]\nbind = ["198.51.100.77"]\n');
    assert.match((await exits(server, 3, 'plan')).stderr, /network\.bind names 198\.51\.100\.77, which this machine does not have/);
    await configure(server, '');
    assert.notEqual(await filesDigest(server.machine), before);
    await exits(server, 0, 'plan');
  });
};

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    before(async () => {
      server = await serve(release);
    });
    after(() => server?.[Symbol.asyncDispose]());

    // What the command line refuses by itself does not depend on the release.
    for (const part of release === 'trixie' ? [environment, applying, drift] : [applying, drift]) part(() => server);

    test('P3: plan and an apply with nothing to do', async () => {
      for (const words of [['plan'], ['apply']]) {
        const seconds: number[] = [];
        for (let time = 0; time < 3; time += 1) {
          const begun = performance.now();
          await exits(server, 0, ...words);
          seconds.push((performance.now() - begun) / 1000);
        }
        console.log(`    ${words.join(' ')}: ${seconds.map((each) => each.toFixed(1)).join(', ')} s`);
        assert.ok(Math.min(...seconds) <= 3.0, `${words.join(' ')} took ${seconds} s`);
      }
    });
  });
}
