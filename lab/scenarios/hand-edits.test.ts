/**
 * C3, C6: whatever somebody does to what Hauspost wrote is seen, named, left alone until it is agreed to, and then put back byte for byte, with a copy
 * of what was there. All files, directories and compiled files of the generation in place, which is read here as it lies on disk.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atTerminal, filesDigest, type Output, type Server } from '../index.ts';
import { answered, type Change, configure, exits, type Failure, type Finding, type Plan } from '../operator.ts';
import { onEachRelease } from '../scenario.ts';

interface Item {
  readonly kind: 'file' | 'dir' | 'derived' | 'absent';
  readonly path: string;
  readonly from?: string;
  readonly exclusive?: boolean;
}

const OVERWRITTEN = '/var/lib/hauspost/overwritten';

const shell = async ({ machine }: Server, script: string, ...words: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-ec', script, 'sh', ...words]);
  assert.equal(code, 0, `${script}: ${stdout}${stderr}`);
  return stdout;
};

const itemsOf = async (server: Server, generation: number): Promise<readonly Item[]> => {
  const text = await shell(server, `cat /var/lib/hauspost/generations/${generation}/manifest.json`);
  return (JSON.parse(text) as { items: readonly Item[] }).items.filter(({ path }) => path !== undefined);
};

const pathsOf = (items: readonly Item[], ...kinds: readonly Item['kind'][]): readonly string[] =>
  items.filter(({ kind }) => kinds.includes(kind)).map(({ path }) => path);

/** Kind, owner, mode and content of each path. */
const look = (server: Server, paths: readonly string[]): Promise<string> =>
  shell(
    server,
    'for p; do stat -c "%n %F %U:%G %a" -- "$p" 2>/dev/null || echo "$p nothing"; if [ -f "$p" ] && [ ! -L "$p" ]; then sha256sum <"$p"; fi; done',
    ...paths,
  );

const drifted = (changes: readonly Change[]): readonly string[] =>
  [...new Set(changes.filter(({ drift }) => drift).map(({ target }) => target))].toSorted();

const keptIn = (said: string): string => {
  const folder = /is kept in (\S+)/.exec(said)?.[1] ?? '';
  assert.match(folder, new RegExp(`^${OVERWRITTEN}/`), said);
  return folder;
};

/** No daemon is stopped, and nothing is left to do. */
const inOrder = async (server: Server): Promise<void> => {
  const { code, document } = await answered<Plan>(server, 'plan');
  assert.deepEqual([code, document.changes], [0, []]);
};

const mailFlows = async (server: Server): Promise<void> => {
  const { code, stdout, stderr } = await server.hauspost(['selftest', '--json']);
  assert.equal(code, 0, stdout + stderr);
};

const DAMAGES = [
  'rm "$1"',
  ': >"$1"',
  'printf x | dd of="$1" bs=1 seek=20 conv=notrunc status=none',
  'chown 12345 "$1"',
  'rm "$1"; mkfifo "$1"',
  'chmod 600 "$1"',
];

/** Plan and status name just what is expected, nothing changes without a yes, all is in order with one; answers with what was said then. */
const agreedTo = async (server: Server, expected: readonly string[]): Promise<string> => {
  const before = await filesDigest(server.machine);
  const { code, document } = await answered<Plan>(server, 'plan');
  assert.deepEqual([code, drifted(document.changes), document.changes.filter(({ drift }) => !drift)], [2, expected.toSorted(), []]);
  assert.deepEqual((await answered<{ drift: readonly string[] }>(server, 'status')).document.drift.toSorted(), expected.toSorted());
  await exits(server, 3, 'apply');
  assert.equal(await filesDigest(server.machine), before, 'nothing changes without a yes');
  const { stderr } = await exits(server, 0, 'apply', '--yes');
  await inOrder(server);
  return stderr;
};

onEachRelease((get) => {
  let items: readonly Item[];
  let files: readonly string[];
  let all: readonly string[];
  let right: string;
  const putBack = async (): Promise<void> => assert.equal(await look(get(), all), right);
  /** Every compiled script, each in another way, which are others in the second round; answers with all of them. */
  const damaged = async (round: 0 | 1): Promise<readonly string[]> => {
    const compiled = pathsOf(items, 'derived');
    for (const [index, file] of compiled.entries()) await shell(get(), DAMAGES[(index + round * compiled.length) % DAMAGES.length] ?? '', file);
    return compiled;
  };

  test('C3, C6: an edit of every file there is: shown, kept without a yes; put back byte for byte with one, and each edit has a copy', async () => {
    const server = get();
    items = await itemsOf(server, 1);
    files = pathsOf(items, 'file');
    all = pathsOf(items, 'file', 'dir', 'derived');
    right = await look(server, all);
    console.log(`    ${files.length} files, ${pathsOf(items, 'dir').length} directories, ${pathsOf(items, 'derived').length} compiled`);
    await shell(server, 'for p; do printf "# edited by hand \\377\\n" >>"$p"; done', ...files);
    const edits = await shell(server, 'sha256sum -- "$@"', ...files);
    const said = (await exits(server, 2, 'plan')).stdout;
    for (const file of files)
      assert.match(said, new RegExp(`^change ${RegExp.escape(file)} .*\\[changed by somebody else since it was applied\\]$`, 'm'));
    const asked = await atTerminal(server.machine, ['apply'], '[y/N] ', 'n\n');
    assert.equal(asked.code, 3, asked.stdout);
    for (const file of files) assert.ok(asked.stdout.includes(`change ${file} (changed by somebody else since; a copy is kept)`), file);
    assert.ok(asked.stdout.includes(`\nCopies are kept below ${OVERWRITTEN}.\r\n`), asked.stdout);
    const kept = keptIn(await agreedTo(server, files));
    await putBack();
    assert.equal(await shell(server, `cd ${kept} && sha256sum -- "$@"`, ...files.map((file) => `.${file}`)), edits.replaceAll('  /', '  ./'));
    await mailFlows(server);
  });

  test('C3, C6: every file removed', async () => {
    const server = get();
    await shell(server, 'rm -- "$@"', ...files);
    await agreedTo(server, files);
    await putBack();
  });

  test('C3, C6: owner or mode of every file and directory changed', async () => {
    const server = get();
    await shell(
      server,
      'n=0; for p; do n=$((n + 1)); case $((n % 4)) in 0) chmod 0777 "$p";; 1) chmod 0600 "$p";; 2) chown 12345:12345 "$p";; 3) chgrp mail "$p"; chmod u+s "$p";; esac; done',
      ...all,
    );
    await agreedTo(server, all);
    await putBack();
  });

  test('C3, C6: links, directories and FIFOs in the place of files; nobody waits at a FIFO', async () => {
    const server = get();
    // Others than Hauspost look at these at any moment: systemd at units, Postfix' programs at main.cf.
    const asked = (file: string): boolean => /^\/etc\/(systemd|postfix\/main\.cf)/.test(file);
    const kinds = ['link', 'directory', 'fifo'] as const;
    const by = Object.groupBy(files, (file) => kinds[files.indexOf(file) % (asked(file) ? 2 : 3)] ?? 'link');
    await shell(
      server,
      'for p; do mkdir -p "/srv/elsewhere$(dirname "$p")"; mv "$p" "/srv/elsewhere$p"; ln -s "/srv/elsewhere$p" "$p"; done',
      ...(by.link ?? []),
    );
    await shell(server, 'for p; do rm "$p"; mkdir "$p"; echo "by hand" >"$p/inside"; done', ...(by.directory ?? []));
    await shell(server, 'for p; do rm "$p"; mkfifo "$p"; done', ...(by.fifo ?? []));
    const begun = performance.now();
    const kept = keptIn(await agreedTo(server, files));
    console.log(`    seen and put back in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    await putBack();
    const copies = async (test: string, of: readonly string[] | undefined): Promise<void> =>
      void (await shell(server, `cd ${kept} && for p; do ${test} || { echo "$p"; exit 1; }; done`, ...(of ?? []).map((file) => `.${file}`)));
    await copies('test "$(readlink "$p")" = "/srv/elsewhere${p#.}"', by.link);
    await copies('test "$(cat "$p/inside")" = "by hand"', by.directory);
    await copies('test -p "$p"', by.fifo);
    await mailFlows(server);
  });

  test('C3, C6: directories removed, and others in their place; a mailbox store that was moved and linked to is in order', async () => {
    const server = get();
    await shell(server, 'systemctl stop dovecot; mv /var/vmail /srv/vmail; ln -s /srv/vmail /var/vmail; systemctl start dovecot');
    await inOrder(server);
    await mailFlows(server);
    await shell(server, 'systemctl stop dovecot; rm /var/vmail; mv /srv/vmail /var/vmail; systemctl start dovecot');
    const dirs = pathsOf(items, 'dir').filter((dir) => !/^\/var\/(vmail|lib\/rspamd)/.test(dir));
    const inside = pathsOf(items, 'file', 'derived').filter((file) => dirs.some((dir) => file.startsWith(`${dir}/`)));
    const script =
      'n=0; for p; do n=$((n + 1)); rm -r "$p"; case $((n % 4)) in 0) ;; 1) echo "by hand" >"$p";; 2) ln -s /nowhere "$p";; 3) mkfifo "$p";; esac; done';
    await shell(server, script, ...dirs);
    await agreedTo(server, [...dirs, ...inside]);
    await putBack();
    assert.equal(await shell(server, 'ls -A /srv'), 'elsewhere\n');
    await mailFlows(server);
  });

  test('C3, C6: a link that a daemon put in the place of a folder in its own is no way for root: named, left alone, and what it leads to is as it was', async () => {
    const server = get();
    const asWas = 'stat -c "%n %U:%G %a" / /etc /srv; ls -A / /srv';
    const before = await shell(server, asWas);
    // The user could move it as well; the machine's overlay renames no directory of its image.
    const by = (user: string, folder: string, name: string, target: string): Promise<string> =>
      shell(server, `cd ${folder}; mv ${name} before; runuser -u ${user} -- ln -s ${target} ${name}`);
    const again = (folder: string, name: string): Promise<string> => shell(server, `cd ${folder}; rm ${name}; mv before ${name}`);
    const refused = async (link: RegExp, ...words: readonly string[]): Promise<void> => assert.match((await exits(server, 4, ...words)).stderr, link);
    await by('vmail', '/var/vmail', 'sieve', '/etc');
    await by('_rspamd', '/var/lib/rspamd', 'dkim', '/');
    assert.deepEqual(drifted((await answered<Plan>(server, 'plan')).document.changes), ['/var/lib/rspamd/dkim', '/var/vmail/sieve']);
    await refused(/\/var\/lib\/rspamd\/dkim is a link to \/ that user \d+ made/, 'dkim', 'sync');
    await again('/var/lib/rspamd', 'dkim');
    await refused(/\/var\/vmail\/sieve is a link to \/etc that vmail made/, 'apply', '--yes');
    assert.equal(await shell(server, asWas), before);
    await again('/var/vmail', 'sieve');
    await putBack();
    await inOrder(server);
    await exits(server, 0, 'dkim', 'sync');
  });

  test('C3, C6: what somebody put into a directory of ours alone, or where nothing is to be, is named and kept, and the daemon reads anew; beside compiled scripts', async () => {
    const server = get();
    const rules = '/etc/rspamd/local.d/greylist.conf';
    const strange = [
      ...items.filter(({ exclusive }) => exclusive === true).map(({ path }) => (path === '/etc/rspamd/local.d' ? rules : `${path}/strange`)),
      ...pathsOf(items, 'absent'),
    ];
    await shell(server, 'for p; do mkdir -p "$(dirname "$p")"; echo "# by hand" >"$p"; done', ...strange);
    await shell(server, `rm ${strange[0]}; mkdir -p ${strange[0]}/below; echo deep >${strange[0]}/below/file`);
    await shell(server, `echo 'timeout = 4242;' >${rules}; systemctl restart rspamd`);
    const limit = (): Promise<string> => shell(server, 'rspamadm configdump greylist | grep timeout || true');
    assert.match(await limit(), /4242/);
    const said = await agreedTo(server, [...strange, ...(await damaged(0))]);
    assert.match(said, / ok restart rspamd/);
    await putBack();
    assert.equal(await shell(server, `cat ${keptIn(said)}${strange[0]}/below/file`), 'deep\n');
    assert.match(await shell(server, `cat ${keptIn(said)}${rules}`), /4242/);
    assert.doesNotMatch(await limit(), /4242/);
    await shell(server, 'for p; do if test -e "$p"; then echo "$p is still there"; exit 1; fi; done', ...strange);
  });

  test('C3, C6: compiled scripts removed, cut, changed and given away are made anew', async () => {
    const compiled = await damaged(1);
    await agreedTo(get(), compiled);
    await putBack();
  });

  test('C3, C6: an edit is replaced with another change only where that was said before, also of a file that goes; each has a copy', async () => {
    const server = get();
    const [main, password] = ['/etc/postfix/main.cf', '/etc/postfix/relay-password'];
    await shell(server, 'echo secret-word >/root/relay; chmod 600 /root/relay');
    await configure(server, '[outgoing]\nrelay_host = "relay.outside.test"\nrelay_user = "us"\nrelay_password_file = "/root/relay"\n');
    await exits(server, 0, 'apply', '--yes');
    await shell(server, `echo '# by hand' >>${main}; echo '# by hand' >>${password}`);
    await configure(server, '[mail]\nmessage_size_limit = "20M"\n');
    const { document } = await answered<Plan>(server, 'plan');
    assert.deepEqual(drifted(document.changes), [main, password]);
    assert.match(document.changes.find(({ target }) => target === main)?.diff ?? '', /^-# by hand$/m);
    const asked = await atTerminal(server.machine, ['apply'], '[y/N] ', 'y\n');
    assert.equal(asked.code, 0, asked.stdout);
    assert.match(asked.stdout, /change \/etc\/postfix\/main\.cf \(changed by somebody else since; a copy is kept\)/);
    assert.match(asked.stdout, /remove \/etc\/postfix\/relay-password \(changed by somebody else since; a copy is kept\)/);
    assert.ok(!asked.stdout.includes('secret-word'));
    const kept = keptIn(asked.stdout);
    for (const file of [main, password]) assert.match(await shell(server, `tail -n 1 ${kept}${file}`), /^# by hand$/m);
    assert.equal(await shell(server, `stat -c %a ${kept}${password}; stat -c %a ${OVERWRITTEN}`), '600\n700\n');
    await inOrder(server);
  });

  test("a checkout in somebody's home is said so, and works; none is applied from where everybody can write; a launcher that another has put there is not run", async () => {
    const server = get();
    const command = '/usr/local/bin/hauspost';
    const [home, tmp] = ['/home/anna/hauspost', '/tmp/hauspost'];
    const run = (program: string, ...words: readonly string[]): Promise<Output> => server.machine.run([program, ...words, '--json'], { ms: 120_000 });
    const told = (stdout: string): readonly string[] =>
      (JSON.parse(stdout) as { findings: readonly Finding[] }).findings.flatMap(({ code, message }) =>
        code === 'installation.not-roots' ? [message] : [],
      );
    await shell(server, `for each in ${home} ${tmp}; do mkdir -p $each; mount --bind /opt/hauspost $each; done; chown 12345:12345 /home/anna`);
    assert.deepEqual(told((await run(command, 'status')).stdout), []);
    const refused = await run(`${tmp}/hauspost`, 'apply', '--yes');
    assert.deepEqual([refused.code, (JSON.parse(refused.stdout) as Failure).error.code], [4, 'installation.anybodys']);
    await inOrder(server);
    const applied = await run(`${home}/hauspost`, 'apply', '--yes');
    assert.equal(applied.code, 0, applied.stderr);
    const message = `root runs what lies in ${home} once an hour and more, and user 12345 may write /home/anna`;
    assert.deepEqual(told(applied.stdout), [message]);
    assert.deepEqual(told((await run(command, 'status')).stdout), [message]);
    await exits(server, 0, 'apply', '--yes');
    await shell(server, 'chown 12345 /opt/hauspost/hauspost');
    const strange = await run(command, 'status');
    assert.deepEqual([strange.code, (JSON.parse(strange.stdout) as Failure).error.code], [4, 'launcher.strange']);
    await shell(server, `chown root /opt/hauspost/hauspost; umount ${home} ${tmp}`);
    assert.equal((await run(command, 'status')).code, 0);
  });
});
