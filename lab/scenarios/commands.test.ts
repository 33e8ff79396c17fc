/** The exit codes, each provoked for real beside an accepted twin; plan, apply and drift as C3, C4 and C6 say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { atTerminal, collect, ended, filesDigest, HAUSPOST, hasSaid, type Output, oneDocument, type Server, until } from '../index.ts';
import { ok } from '../people.ts';
import { announcedSize, answered, configure, exits, type Failure, type Finding, generations, type Plan, UNANSWERED } from '../operator.ts';
import { fileGone, fileWrong } from '../parts/operators-file.ts';
import { selfTestFails, selfTestLeavesOthersMail } from '../parts/self-test.ts';
import { NEARLY_OVER, OUT_OF_TIME } from '../parts/dated-certificates.ts';
import { asPostfixSays, MIXED } from '../parts/mixed-pem.ts';
import { onEachReleaseAtOnce, type Part } from '../scenario.ts';
import { holdUpkeep } from '../upkeep.ts';

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

/** What is shown on `port`, which speaks TLS from the start. */
const servedCertificate = async (server: Server, port = 993): Promise<PeerCertificate> => {
  const socket = await server.machine.dial({ host: '127.0.0.1', port });
  const secure = connectTls({ socket, rejectUnauthorized: false });
  await new Promise((resolve, reject) => secure.on('secureConnect', resolve).on('error', reject));
  const certificate = secure.getPeerCertificate();
  secure.destroy();
  return certificate;
};

const servedIssuer = async (server: Server): Promise<string> => String((await servedCertificate(server)).issuer.CN);

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
      /^change \/etc\/postfix\/main\.cf {2}\(reload postfix\)\n[\s\S]*'hauspost apply' makes them\.\nAttention: /m,
    );
    const before = await filesDigest(server.machine);
    const unasked = await exits(server, 3, 'apply');
    assert.match(
      unasked.stderr,
      /^These changes would be made:\n(?: {2}.*\n)* {2}change \/etc\/postfix\/main\.cf\n(?: {2}.*\n)*hauspost: there is a question and no terminal to ask at: Make these changes\?\n {2}Run it again with --yes/,
    );
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
    assert.deepEqual((await answered(server, 'plan')).document, { changes: [], generation: 2, findings: [UNANSWERED] });
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
    await using _freed = { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => taken.close(() => resolve())) };
    taken.on('connection', (socket) => socket.destroy());
    const begun = performance.now();
    const failed = await answered<Failure>(server, 'apply', '--yes');
    console.log(`    gave up and went back in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    assert.equal(failed.code, 1);
    assert.deepEqual([failed.document.error.blame, failed.document.error.code], ['failure', 'activate.not-well']);
    assert.match(failed.document.error.message, /^postfix does not run well \(\/etc\/postfix\/master\.cf:\d+\): /);
    assert.match(failed.document.error.message, /127\.0\.0\.5 port 587: Address already in use/, "the daemon's own words");
    await noneStopped(server);
    assert.equal(await announcedSize(server), 'SIZE 20971520');
    await assert.rejects(submissionAt(server, OTHER));
    const { document } = await answered<Plan>(server, 'plan');
    assert.equal(document.generation, 2);
    assert.ok(document.changes.length > 0 && document.changes.every(({ drift }) => !drift), JSON.stringify(document.changes));
    const selftest = await answered<{ ok: boolean }>(server, 'selftest');
    assert.deepEqual([selftest.code, selftest.document.ok], [0, true]);
  });

  test('exit 0, once the port is free; meanwhile exit 4 for whoever also wants to apply, naming the holder', async () => {
    const server = get();
    const planned = (await answered<Plan>(server, 'plan')).document.changes.flatMap(({ needs }) => needs);
    const first = server.machine.spawn([HAUSPOST, 'apply', '--yes']);
    const [stdout, stderr] = [collect(first.stdout), collect(first.stderr)];
    await hasSaid(first, stderr, '... stage');
    const second = await answered<Failure>(server, 'apply', '--yes');
    assert.equal(second.code, 4);
    assert.equal(second.document.error.code, 'lock.held');
    const pid = /^another change is under way: 'hauspost apply' \(process (\d+)\)$/.exec(second.document.error.message)?.[1];
    assert.ok(pid !== undefined, second.document.error.message);
    assert.equal(await ended(first), 0, stdout.text() + stderr.text());
    assert.ok(planned.includes('restart dovecot') && planned.includes('restart nginx'), 'no reload moves a port');
    for (const need of planned) assert.ok(stderr.text().includes(` ok ${need}`), `plan said ${need}: ${stderr.text()}`);
    assert.equal(await submissionAt(server, OTHER), 220);
    assert.equal(await announcedSize(server), 'SIZE 52428800');
  });

  test('exit 3, and nothing changed: key and chain that cannot be read, are open to others or do not match; a right pair is served', async () => {
    const server = get();
    const place = '/etc/ssl/hauspost-test';
    const [key, chain] = [`${place}/key.pem`, `${place}/chain.pem`];
    const run = async (script: string): Promise<void> => assert.equal((await server.machine.run(['sh', '-c', `cd ${place} && ${script}`])).code, 0);
    const make =
      'for n in right other; do openssl req -x509 -newkey rsa:2048 -nodes -keyout $n.key -out $n.crt -days 90 -subj "/CN=Somebody else" -addext subjectAltName=DNS:mail.hauspost.test; done';
    assert.equal((await server.machine.run(['mkdir', place])).code, 0);
    await run(`${make}; ${OUT_OF_TIME}; openssl pkey -in right.key -aes256 -passout pass:x -out locked.key`);
    await configure(server, `[tls]\nsource = "files"\nkey = "${key}"\nchain = "${chain}"\n`);
    const files = async (): Promise<string> =>
      (await server.machine.run(['sh', '-c', 'cat /etc/postfix/*.cf /etc/dovecot/dovecot.conf /etc/nginx/nginx.conf'])).stdout;
    const before = [await files(), await generations(server)];
    const wrong = async (): Promise<readonly string[]> => {
      const { code, document } = await answered<{ findings: readonly Finding[] }>(server, 'status');
      assert.equal(code, 0);
      return document.findings.filter(({ level }) => level === 'error').map(({ message }) => message);
    };
    const refused = async (option: 'key' | 'chain', why: string, more = ''): Promise<void> => {
      const file = option === 'key' ? key : chain;
      const words = `hauspost: ${file}, which tls.${option} names, ${why}\n  ${more}`;
      for (const command of [['plan'], ['apply', '--yes'], ['up', '--yes']]) {
        const { stderr } = await exits(server, 3, ...command);
        assert.ok(stderr.startsWith(words), `${words} in ${stderr}`);
      }
    };
    await refused('chain', 'does not exist');
    assert.deepEqual(await wrong(), [], 'of what is in place');
    await run('mkdir chain.pem');
    await refused('chain', 'is no file');
    await run('rmdir chain.pem; echo "-----BEGIN CERTIFICATE-----" >chain.pem');
    await refused('chain', 'holds no certificate that can be read');
    await run('cp right.key chain.pem');
    await refused('chain', `holds a private key and no certificate, while tls.key names ${key}`, 'Let tls.key name it. ');
    await run('cp right.crt chain.pem');
    await refused('key', 'does not exist');
    await run('install -m 600 right.crt key.pem');
    await refused('key', 'holds no private key that can be read');
    await run('install -m 600 locked.key key.pem');
    await refused('key', 'holds no private key that can be read');
    await run('install -m 600 other.key key.pem');
    await refused('key', `does not belong to the first certificate in ${chain}, which tls.chain names`);
    for (const [option, script, why] of MIXED) {
      await run(`${script} && chmod 600 key.pem`);
      await refused(option, why);
    }
    await run('install -m 640 right.key key.pem');
    await refused('key', 'can be read by others', `Run: chown root:root ${key}; chmod 600 ${key}`);
    await run('chmod 600 key.pem; chown www-data key.pem');
    await refused('key', 'can be read by others');
    await run('chown root key.pem; cp past.crt chain.pem');
    await refused('chain', 'holds a certificate that ran out on 2024-02-01');
    await run('cp future.crt chain.pem');
    await refused('chain', 'holds a certificate that is not valid before 2090-01-01');
    assert.deepEqual([await files(), await generations(server)], before);
    assert.match(await servedIssuer(server), /^Hauspost authority [0-9a-f]{8}$/);
    await run('cp right.crt chain.pem');
    await exits(server, 0, 'apply', '--yes');
    assert.equal(await servedIssuer(server), 'Somebody else');
    for (const [script, ...told] of [
      ['cp past.crt chain.pem', 'the certificate ran out on 2024-02-01'],
      ['cp future.crt chain.pem', 'the certificate is not valid before 2090-01-01'],
      ['cat right.key right.crt >chain.pem', `${chain}, which tls.chain names, holds a private key besides, and Postfix is then without TLS`],
      ['cp right.crt chain.pem; chmod 640 key.pem', `${key}, which tls.key names, can be read by others`],
      ['chmod 600 key.pem; cat right.key right.crt >key.pem'],
    ] as const) {
      await run(script);
      assert.deepEqual(await wrong(), told, script);
    }
    await asPostfixSays(server, run, async () => (await servedCertificate(server, 465)).subject.CN);
  });

  test("C6: of a certificate that is another name's, runs out soon or is trusted by nobody the server says so, and serves it", async () => {
    const server = get();
    const place = '/etc/ssl/hauspost-test';
    const run = async (script: string): Promise<void> =>
      assert.equal((await server.machine.run(['sh', '-c', `cd ${place} && ${script}`], { ms: 120_000 })).code, 0, script);
    const told = async (...words: readonly string[]): Promise<readonly string[]> =>
      (await answered<{ findings: readonly Finding[] }>(server, ...words)).document.findings
        .map(({ code }) => code)
        .filter((code) => code.startsWith('tls.'));
    assert.deepEqual(await told('status'), ['tls.untrusted']);
    const trust = 'cp chain.pem /usr/local/share/ca-certificates/test.crt && update-ca-certificates';
    await run(trust);
    assert.deepEqual(await told('status'), []);
    await run(`${NEARLY_OVER} && ${trust}`);
    assert.deepEqual(await told('apply'), ['tls.runs-out', 'tls.other-name']);
    assert.equal(await servedIssuer(server), 'Other');
    await run('rm /usr/local/share/ca-certificates/test.crt && update-ca-certificates --fresh');
    const up = await answered<{ selftest: { ok: boolean } }>(server, 'up', '--yes');
    assert.deepEqual([up.code, up.document.selftest.ok], [0, true], 'what is served is what was named');
    assert.deepEqual(await told('plan'), ['tls.untrusted', 'tls.runs-out', 'tls.other-name']);
    assert.match((await exits(server, 0, 'status')).stdout, /^Attention: the certificate is not valid for mail\.hauspost\.test, /m);
  });
};

const certificate = (get: () => Server): void => {
  const CHAIN = '/var/lib/hauspost/tls/chain.pem';
  const TLS_PORTS = [465, 993, 443];

  test('C3, C4: another name is another certificate, and plan says so; one that is gone is made without a question', async () => {
    const server = get();
    const shown = async (): Promise<readonly PeerCertificate[]> => Promise.all(TLS_PORTS.map((port) => servedCertificate(server, port)));
    const certificates = async (): Promise<unknown> =>
      (await answered<Plan>(server, 'plan')).document.changes
        .filter(({ kind }) => kind === 'certificate')
        .map(({ target, action, needs }) => [target, action, needs]);
    const READERS = ['reload postfix', 'reload dovecot', 'reload nginx'];
    // It would make what is missing before anybody looks.
    await holdUpkeep(server.machine);
    await configure(server, 'hostname = "post.hauspost.test"\n');
    assert.deepEqual(await certificates(), [[CHAIN, 'change', READERS]]);
    assert.match((await exits(server, 2, 'plan')).stdout, /^change certificate \/var\/lib\/hauspost\/tls\/chain\.pem {2}\(reload postfix, /m);
    await exits(server, 0, 'apply', '--yes');
    // A process that was idle when its daemon was told to reload may still answer one more connection.
    const everywhere = (what: string, right: (certificate: PeerCertificate, index: number) => boolean): Promise<true> =>
      until(what, async () => (await shown()).every(right) || undefined, 20_000, 100);
    await everywhere('the new name is shown', ({ subjectaltname = '' }) => /DNS:post\.hauspost\.test(,|$)/.test(subjectaltname));

    await server.machine.run(['sh', '-c', 'echo broken >"$1"', 'sh', CHAIN]);
    const { certificates: none, findings } = (await answered<{ certificates: readonly unknown[]; findings: readonly Finding[] }>(server, 'status'))
      .document;
    assert.deepEqual([none, findings.map(({ message }) => message)], [[], [`${CHAIN} holds no certificate that can be read`, UNANSWERED.message]]);
    assert.deepEqual(await certificates(), [[CHAIN, 'change', READERS]]);

    await server.machine.run(['rm', CHAIN]);
    const [numbers, was] = [await generations(server), await shown()];
    assert.deepEqual(await certificates(), [[CHAIN, 'create', READERS]]);
    await exits(server, 0, 'apply');
    assert.deepEqual(await generations(server), numbers);
    await everywhere('another certificate is shown', ({ fingerprint256 }, index) => fingerprint256 !== was[index]?.fingerprint256);
    for (const { issuer } of await shown()) assert.equal(issuer.CN, was[0]?.issuer.CN, 'the authority is the one that clients trust');
    await exits(server, 0, 'plan');
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

/** By the command in the PATH, where the checkout lies behind a folder that is root's alone; and where it is gone. */
const unreachable = async ({ machine }: Server): Promise<void> => {
  const called = (user: string, ...words: readonly string[]): Promise<Output> => machine.run(['hauspost', ...words], { user });
  const place = HAUSPOST.slice(0, HAUSPOST.lastIndexOf('/'));
  assert.equal((await called('www-data', '--version')).code, 0);
  ok(await machine.run(['chmod', '700', place]));
  const { code, stdout, stderr } = await called('www-data', '--version');
  assert.deepEqual([code, stdout, stderr], [4, '', 'hauspost: hauspost needs root\n  Run it with sudo.\n']);
  assert.deepEqual((oneDocument(await called('www-data', 'status', '--json')) as Failure).error.code, 'needs.root');
  assert.equal((await called('root', '--version')).code, 0);
  ok(await machine.run(['chmod', '755', place]));
  ok(await machine.run(['mv', HAUSPOST, `${HAUSPOST}.away`]));
  const gone = await called('root', 'status');
  ok(await machine.run(['mv', `${HAUSPOST}.away`, HAUSPOST]));
  assert.deepEqual(
    [gone.code, gone.stderr],
    [4, 'hauspost: hauspost is no longer where it was installed\n  Run ./hauspost apply where it is now.\n'],
  );
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
    await unreachable(server);
    for (const words of [['config', 'check'], ['config', 'explain', 'tls'], ['plan', '--help'], ['--version']])
      assert.equal((await visitor(...words)).code, 0, words.join(' '));
    await server.machine.run(['sh', '-c', 'install -m 600 /dev/null /tmp/secret.toml']);
    const unreadable = await visitor('config', 'check', '/tmp/secret.toml');
    assert.equal(unreadable.code, 4, unreadable.stderr);
    assert.match(unreadable.stderr, /^hauspost: \/tmp\/secret\.toml may not be read by this user\n/);
  });
};

const database = (get: () => Server): void => {
  test('exit 4: the database is away; exit 0 when it is back', async () => {
    const server = get();
    await server.machine.run(['systemctl', 'stop', 'mariadb.service']);
    const { code, document } = await answered<Failure>(server, 'account', 'list');
    assert.deepEqual([code, document.error.blame, document.error.code], [4, 'environment', 'directory.unreachable']);
    assert.match(document.error.remedy, /hauspost up/);
    assert.match((await exits(server, 2, 'plan')).stdout, /^start mariadb/m);
    const kinds = (await answered<Plan>(server, 'plan')).document.changes.map(({ kind }) => kind);
    assert.deepEqual([...new Set(kinds)], ['service'], 'what is not known of the database is not said');
    await server.machine.run(['systemctl', 'start', 'mariadb.service']);
    await exits(server, 0, 'account', 'list');
  });
};

// What the command line refuses by itself does not depend on the release.
const once =
  (part: Part): Part =>
  (get, release) =>
    release === 'trixie' ? part(get, release) : undefined;

const PARTS = [
  once(environment),
  database,
  once(fileWrong),
  applying,
  certificate,
  drift,
  fileGone,
  once(selfTestFails),
  once(selfTestLeavesOthersMail),
];

onEachReleaseAtOnce((get, release) => {
  for (const part of PARTS) part(get, release);
});
