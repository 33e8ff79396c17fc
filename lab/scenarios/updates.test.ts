/**
 * M30: Debian's updates of every daemon, in a terminal and by unattended-upgrades: no question, our files stay, the daemons run with them, and plan
 * says what the packages wanted. What a package's script does to a file of ours is shown as its doing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allRun, oneDocument, type Server } from '../index.ts';
import { unattended } from '../images.ts';
import { answered, exits, type Failure, type Finding, type Plan } from '../operator.ts';
import { onEachRelease } from '../scenario.ts';
import { installUnattended, offer, UPDATES } from '../updates.ts';

const PACKAGES = UPDATES.flatMap(({ packages }) => packages);
/** Of whom a file of ours takes the place of a packaged one. */
const TOLD = ['unbound/unbound.conf', 'mysql/mariadb.cnf', 'redis/redis.conf', 'dovecot/dovecot.conf', 'nginx/nginx.conf'].map(
  (file) => `/etc/${file}`,
);

const shell = async ({ machine }: Server, script: string): Promise<string> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script], { ms: 600_000 });
  assert.equal(code, 0, `${script}: ${stdout}${stderr}`);
  return stdout;
};

/** Names, owners, modes and bytes of all that we wrote. */
const ours = (server: Server): Promise<string> =>
  shell(
    server,
    `cd /var/lib/hauspost/generations/1/tree && find . -type f | sort | while read -r f; do stat -c '%n %U:%G %a' "/$f"; sha256sum <"/$f"; done; ls /etc/network/if-up.d /etc/rspamd | grep -v dpkg-dist`,
  );

interface Status {
  readonly services: readonly { readonly name: string; readonly state: string; readonly since: string; readonly version: string | null }[];
  readonly drift: readonly string[];
  readonly findings: readonly Finding[];
}
const status = async (server: Server): Promise<Status> => (await answered<Status>(server, 'status')).document;

const versions = async (server: Server): Promise<readonly string[]> =>
  (await shell(server, `dpkg-query -W -f '\${db:Status-Abbrev} \${Version}\\n' ${PACKAGES.join(' ')}`)).trim().split('\n');

/** All packages are those of the round, all daemons run, those of the updates anew, and mail flows. */
const isWell = async (server: Server, round: number, before: Status): Promise<void> => {
  for (const row of await versions(server)) assert.match(row, new RegExp(`^ii +\\S+\\+lab${round}$`));
  await allRun(server.machine);
  const now = await status(server);
  const since = (of: Status): Readonly<Record<string, string>> => Object.fromEntries(of.services.map((each) => [each.name, each.since]));
  const [then, today] = [since(before), since(now)];
  assert.deepEqual(
    now.services.filter(({ state }) => state !== 'running'),
    [],
  );
  const anew = Object.keys(today).filter((name) => today[name] !== then[name]);
  assert.deepEqual(anew.toSorted(), ['dovecot', 'mariadb', 'nginx', 'postfix', 'redis', 'rspamd', 'unbound']);
  const selftest = await server.hauspost(['selftest', '--json']);
  assert.equal((oneDocument(selftest) as { ok: boolean }).ok, true, selftest.stdout);
};

const SCRIPTS = ['spam', 'learn-spam', 'learn-ham'].map((name) => `/etc/dovecot/sieve/${name}.svbin`);

/** As another version of Pigeonhole would have written them: after four octets that are always the same comes the number of the format. */
const compiledByAnother = (server: Server): Promise<string> =>
  shell(server, `for file in ${SCRIPTS.join(' ')}; do printf '\\011' | dd of=$file bs=1 seek=4 conv=notrunc status=none; done`);

/** Since Dovecot was started: what it says of compiled scripts. */
const complaints = async (server: Server): Promise<readonly string[]> => {
  const log = await shell(server, 'journalctl -q -o cat -u dovecot "_SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value dovecot)"');
  return log.split('\n').filter((line) => /binary|svbin|compil/i.test(line));
};

const compiled = async (server: Server): Promise<readonly string[]> =>
  (await shell(server, `stat -c '%Y %a %U' ${SCRIPTS.join(' ')}; head -qc 6 ${SCRIPTS.join(' ')} | od -An -tx1 -w6 -v`)).trim().split('\n');

onEachRelease((get, release) => {
  let written: string;
  test('M30: apt-get at a terminal asks nothing; our files stay, the daemons run with them', async () => {
    const server = get();
    await installUnattended(server.machine, await unattended(release));
    written = await ours(server);
    await offer(server.machine, 1, UPDATES);
    const before = await status(server);
    // Without a frontend of its own debconf would ask at the terminal, and so would dpkg and ucf; nobody answers here.
    const words = 'apt-get -y upgrade';
    const { code, stdout } = await server.machine.run(['script', '--quiet', '--return', '--command', words, '/dev/null'], { ms: 400_000 });
    assert.equal(code, 0, stdout.slice(-4000));
    assert.equal(await ours(server), written);
    assert.match(await shell(server, 'tail -n 1 /etc/dovecot/conf.d/10-mail.conf'), /wanted by dovecot/, 'what nobody changed is replaced as ever');
    await isWell(server, 1, before);
  });

  test('M30: plan has nothing to do, and says in words what the packages wanted', async () => {
    const server = get();
    const { code, document } = await answered<Plan>(server, 'plan');
    assert.deepEqual([code, document.changes], [0, []]);
    const told = document.findings.filter(({ code: each }) => each === 'packages.wanted').map(({ message }) => message);
    assert.deepEqual(
      TOLD.map((file) => told.filter((message) => message.includes(` another ${file};`)).length),
      TOLD.map(() => 1),
      told.join('\n'),
    );
    for (const [index, file] of TOLD.entries()) {
      const daemon = file.split('/')[2] === 'mysql' ? 'mariadb' : file.split('/')[2];
      assert.ok(
        told.some((message) => message.includes(`${file};`) && message.includes(`\n    +# wanted by ${daemon}`)),
        `${index} ${told.join('\n')}`,
      );
    }
    assert.match((await exits(server, 0, 'plan')).stdout, /^ {4}\+# wanted by nginx$/m);
  });

  test('what the administrator holds at its version is installed: nothing is to be done, and another change goes through', async () => {
    const server = get();
    const known = async (): Promise<readonly unknown[]> => (await status(server)).services.map(({ name, version }) => [name, version]);
    const before = await known();
    await shell(server, 'apt-mark hold dovecot-core rspamd');
    assert.equal((await answered<Plan>(server, 'plan')).code, 0);
    assert.deepEqual(await known(), before);
    await shell(server, 'rm /etc/nginx/nginx.conf');
    await exits(server, 0, 'apply', '--yes');
    assert.equal((await answered<Plan>(server, 'plan')).code, 0);
    await shell(server, 'apt-mark unhold dovecot-core rspamd');
  });

  test('M30: unattended-upgrades brings the next ones, and holds none back', async () => {
    const server = get();
    await offer(server.machine, 2, UPDATES);
    const before = await status(server);
    const [...fresh] = await compiled(server);
    await compiledByAnother(server);
    const { code, stdout, stderr } = await server.machine.run(['unattended-upgrade', '--verbose'], { ms: 400_000 });
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.equal(await ours(server), written);
    await isWell(server, 2, before);
    const now = await compiled(server);
    assert.deepEqual(
      now.map((line) => line.replace(/^\d{6,}/, '')),
      fresh.map((line) => line.replace(/^\d{6,}/, '')),
      'of the same format and owner',
    );
    for (const [index] of SCRIPTS.entries()) assert.ok(Number(now[index]?.split(' ')[0]) > Number(fresh[index]?.split(' ')[0]), 'compiled anew');
    assert.deepEqual(await complaints(server), []);
    assert.equal((await answered<Plan>(server, 'plan')).code, 0);
  });

  test('a script that another Pigeonhole compiled is complained of with each message, until Dovecot starts after an update', async () => {
    const server = get();
    await compiledByAnother(server);
    const marked = await server.hauspost(['selftest', '--json']);
    assert.equal((oneDocument(marked) as { ok: boolean }).ok, true, 'what is marked is filed all the same');
    const told = await complaints(server);
    console.log(`    ${told.length} complaints, such as: ${told[0]}`);
    assert.ok(told.length > 0);
    await shell(server, 'rm /var/lib/hauspost/sieve-compiled-by && systemctl restart dovecot');
    assert.equal((await server.hauspost(['selftest', '--json'])).code, 0);
    assert.deepEqual(await complaints(server), []);
  });

  test('where it cannot be compiled anew Dovecot starts all the same; status and plan say so, and mail is filed', async () => {
    const server = get();
    const findings = async (): Promise<readonly string[]> =>
      (await status(server)).findings.filter(({ code }) => code === 'derived.old').map(({ message }) => message);
    await shell(server, 'dpkg-divert --quiet --rename /usr/bin/sievec && ln -s /bin/false /usr/bin/sievec');
    await shell(server, 'echo 0 >/var/lib/hauspost/sieve-compiled-by && systemctl restart dovecot');
    const version = (await shell(server, "dpkg-query -W -f '${Version}' dovecot-sieve")).trim();
    assert.deepEqual(
      await findings(),
      SCRIPTS.map((file) => `${file} was made by another version than dovecot-sieve ${version}, which is installed now`),
    );
    const plan = await answered<Plan>(server, 'plan');
    assert.deepEqual(
      [plan.code, plan.document.changes.map(({ action, target }) => `${action} ${target}`)],
      [2, SCRIPTS.map((file) => `change ${file}`)],
    );
    assert.match((await exits(server, 2, 'plan')).stdout, /^change \S+spam\.svbin {2}\[anew by dovecot-sieve \S+\]$/m);
    assert.equal((await server.hauspost(['selftest', '--json'])).code, 0);
    await shell(server, 'rm /usr/bin/sievec && dpkg-divert --quiet --rename --remove /usr/bin/sievec && systemctl restart dovecot');
    assert.deepEqual([await findings(), (await answered<Plan>(server, 'plan')).code], [[], 0]);
  });

  test('M30: without our word to apt it would hold them back', async () => {
    const server = get();
    await offer(
      server.machine,
      3,
      UPDATES.filter(({ packages }) => packages.includes('unbound')),
    );
    await shell(server, 'mv /etc/apt/apt.conf.d/90hauspost /root/');
    await server.machine.run(['unattended-upgrade', '--verbose'], { ms: 400_000 });
    await shell(server, 'mv /root/90hauspost /etc/apt/apt.conf.d/');
    assert.match(await shell(server, "dpkg-query -W -f '${Version}' unbound"), /\+lab2$/);
    await server.machine.run(['unattended-upgrade', '--verbose'], { ms: 400_000 });
    assert.match(await shell(server, "dpkg-query -W -f '${Version}' unbound"), /\+lab3$/);
  });

  test('drift: what the script of a package did to a file of ours is told as its doing; apply keeps a copy and puts ours back', async () => {
    const server = get();
    const postfix = UPDATES.filter(({ packages }) => packages.includes('postfix')).map(({ packages }) => ({
      packages,
      edits: { postfix: `sed -i '2i postconf -e "smtpd_banner = its package was here"' DEBIAN/postinst` },
    }));
    await offer(server.machine, 4, postfix);
    await shell(server, 'DEBIAN_FRONTEND=noninteractive apt-get -qy upgrade');
    await allRun(server.machine);
    const { code, document } = await answered<Plan>(server, 'plan');
    assert.equal(code, 2);
    const [change, ...rest] = document.changes;
    assert.deepEqual([change?.target, change?.drift, rest], ['/etc/postfix/main.cf', true, []]);
    assert.match((change as { package?: string } | undefined)?.package ?? '', /^postfix \S+\+lab4$/);
    assert.match((await exits(server, 2, 'plan')).stdout, /changed by the package postfix \S+\+lab4 since it was applied/);
    assert.deepEqual((await status(server)).drift, ['/etc/postfix/main.cf']);
    const refused = await answered<Failure>(server, 'apply');
    assert.equal(refused.code, 3);
    const { stderr } = await exits(server, 0, 'apply', '--yes');
    assert.match(await shell(server, `cat ${/is kept in (\S+)/.exec(stderr)?.[1] ?? ''}/etc/postfix/main.cf`), /its package was here/);
    assert.equal(await ours(server), written);
    await shell(server, 'echo "# by hand" >>/etc/postfix/main.cf');
    const byHand = await answered<Plan>(server, 'plan');
    assert.deepEqual(
      byHand.document.changes.map(({ target, drift, ...others }) => [target, drift, 'package' in others]),
      [['/etc/postfix/main.cf', true, false]],
    );
    await exits(server, 0, 'apply', '--yes');
  });
});
