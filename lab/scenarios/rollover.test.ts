/**
 * M19: renewals and changes of the server's key that do not go straight: a name that is not to be seen for a while, what was remembered before a change of
 * ours, one that was given up halfway, one that rested while the key was the operator's, and a daemon that does not run well with the next one. Clocks go
 * ahead instead of tests waiting.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockOf } from '../clock.ts';
import { HAUSPOST, until } from '../index.ts';
import { apply, onEachReleaseThere, type Ours, UPDATER } from '../internet/index.ts';
import { exits, type Finding } from '../operator.ts';
import { disturbed } from '../parts/disturbed.ts';
import { ok } from '../people.ts';
import { holdUpkeep } from '../upkeep.ts';

const FURTHER = 'further.example';
const LONG_S = 1800;
const TLS = '/var/lib/hauspost/tls';
const PROGRESS = `${TLS}/rollover.json`;
const SIGNED = '/var/lib/hauspost/acme/attempt/chain.pem';

const shell = async ({ machine }: Ours, script: string, input = ''): Promise<string> =>
  ok(await machine.run(['sh', '-c', script], { input })).stdout.trim();
const edit = (server: Ours, ...expressions: readonly string[]): Promise<string> =>
  shell(server, `sed -i '${expressions.join('; ')}' /etc/hauspost/hauspost.toml`);
const keyOf = (server: Ours): Promise<string> => shell(server, `sha256sum <${TLS}/key.pem`);
const printOf = (server: Ours, file: string): Promise<string> => shell(server, `openssl x509 -in ${file} -noout -fingerprint`);

interface Progress {
  readonly begun: string;
  readonly seen: string | null;
  readonly ttl: number;
}
const progressOf = async (server: Ours): Promise<Progress> => JSON.parse(await shell(server, `cat ${PROGRESS}`));

/** Until all name servers show the record of the next key. */
const waitsForTime = (server: Ours): Promise<true> =>
  until(
    'all show the record of the next key',
    async () => {
      const { stdout } = await exits(server, 0, 'cert', 'rollover');
      return stdout.startsWith('The next key waits: others may remember what was published before until ') || undefined;
    },
    30_000,
    500,
  );

/** Nginx runs on with the present key, and with no other. */
const PINNED = `set -e
mkdir -p /usr/local/lib/pinned /etc/systemd/system/nginx.service.d
openssl pkey -in ${TLS}/key.pem -pubout >/usr/local/lib/pinned/key
cat >/usr/local/lib/pinned/reload
chmod 755 /usr/local/lib/pinned/reload
printf '[Service]\nExecReload=\nExecReload=/usr/local/lib/pinned/reload\n' >/etc/systemd/system/nginx.service.d/pinned.conf
systemctl daemon-reload`;
const RELOAD = `#!/bin/sh
openssl pkey -in ${TLS}/key.pem -pubout | cmp -s - /usr/local/lib/pinned/key && kill -HUP "$MAINPID"
`;
const UNPINNED = 'rm /etc/systemd/system/nginx.service.d/pinned.conf && systemctl daemon-reload';

onEachReleaseThere(
  async ({ net, server }) => {
    const authority = await net.pebble();
    await shell(server, "printf 'nameserver 127.0.0.1\n' >/etc/resolv.conf");
    const key = `key "${UPDATER.name.replace(/\.$/, '')}" { algorithm ${UPDATER.algorithm}; secret "${UPDATER.secret}"; };\n`;
    await shell(server, 'umask 077; cat >/etc/hauspost/dns-key', key);
    const dns = `[dns]\nttl = "${LONG_S}s"\nupdate_server = "${net.names.servers.primary.addresses.v4}"\nupdate_key_file = "/etc/hauspost/dns-key"\n`;
    await apply(server, `${dns}[tls]\nsource = "acme"\ndirectory = "${authority.directory}"\n`);
    await holdUpkeep(server.machine);
    const { domain } = server.identity;
    await net.names.remove(`${domain}. TXT`);
    await server.order('dns', 'push', '--yes');
    await until(`all see ${domain}`, async () => (await server.hauspost(['dns', 'check', domain])).code === 0 || undefined, 60_000, 1000);
    await server.order('cert', 'renew');
    const at = await clockOf(server.machine);
    /** Of upkeep so many seconds from now. */
    const later = async (seconds: number): Promise<{ readonly done: readonly string[]; readonly findings: readonly Finding[] }> =>
      JSON.parse((await at(seconds, [HAUSPOST, 'upkeep', '--json'])).stdout);
    return { authority, later };
  },
  (get) => {
    test('a renewal waits for a name that the certificate has and that not every name server has at this moment', async () => {
      const { net, server, later } = get();
      const { domain, hostname } = server.identity;
      const names = (): Promise<string> => shell(server, `openssl x509 -in ${TLS}/chain.pem -noout -ext subjectAltName | tail -n 1`);
      const before = await names();
      assert.match(before, new RegExp(`DNS:imap\\.${domain}\\b`));
      const goOn = await net.names.hold(`${domain}.`);
      await net.names.remove(`imap.${domain}. CNAME`);
      await net.names.add(`imap.${FURTHER}. CNAME ${hostname}.`);
      await server.order('domain', 'add', FURTHER);
      await later(0); // and publishes it again
      assert.equal(await names(), before);
      await goOn();
      const { done } = await later(0);
      assert.match(done.join(' '), new RegExp(`since it is not valid for imap\\.${FURTHER} yet`));
      assert.match(await names(), new RegExp(`DNS:imap\\.${domain}\\b`));
      await server.order('domain', 'remove', FURTHER, '--yes');
    });

    test('a time to live that we have made shorter is waited for as long as it was', async () => {
      const { server, later } = get();
      const key = await keyOf(server);
      await edit(server, 's/^ttl = .*/ttl = "60s"/');
      await waitsForTime(server);
      assert.equal((await progressOf(server)).ttl, LONG_S);
      assert.deepEqual((await later(LONG_S / 2)).done, []);
      assert.equal(await keyOf(server), key);
    });

    test('killed while it is given up: the next one begins at the beginning', async () => {
      const { server } = get();
      await disturbed(server, ['cert', 'rollover', '--cancel'], { before: `remove ${PROGRESS}`, by: 'killed' });
      const { begun } = await progressOf(server);
      await waitsForTime(server);
      assert.ok((await progressOf(server)).begun > begun);
    });

    test('while the key is the operator’s nobody looks: what was seen before does not count any more', async () => {
      const { server } = get();
      const { seen } = await progressOf(server);
      assert.notEqual(seen, null);
      await shell(server, `umask 077; for file in key chain; do cat ${TLS}/$file.pem >/etc/hauspost/$file.pem; done`);
      await edit(server, 's#^source = .*#source = "files"\\nkey = "/etc/hauspost/key.pem"\\nchain = "/etc/hauspost/chain.pem"#', 's/^directory/#&/');
      await exits(server, 0, 'apply', '--yes');
      await edit(server, '/^key = /d', '/^chain = /d', 's/^source = .*/source = "acme"/', 's/^#directory/directory/');
      await exits(server, 0, 'apply', '--yes');
      assert.equal((await progressOf(server)).seen, null);
      await waitsForTime(server);
      assert.ok(((await progressOf(server)).seen ?? '') > (seen ?? ''));
    });

    test('a daemon that does not run well with the next key: all go back; it is tried again with what was signed, later, and no key is left lying about', async () => {
      const { server, later } = get();
      const key = await keyOf(server);
      await shell(server, PINNED, RELOAD);
      const failed = await later(LONG_S + 100);
      assert.deepEqual(
        failed.findings.map(({ code }) => code),
        ['activate.not-well'],
      );
      assert.equal(await keyOf(server), key);
      const signed = await printOf(server, SIGNED);
      assert.notEqual(await printOf(server, `${TLS}/chain.pem`), signed);
      assert.equal(await shell(server, `ls ${TLS}/pairs | wc -l`), '1');
      await shell(server, UNPINNED);
      assert.deepEqual((await later(LONG_S + 200)).done, [], 'not before 15 minutes');
      const [done = ''] = (await later(LONG_S + 1100)).done;
      assert.match(done, /^The next key is in use\./);
      assert.notEqual(await keyOf(server), key);
      assert.equal(await printOf(server, `${TLS}/chain.pem`), signed);
      assert.equal(await shell(server, `ls ${TLS}/pairs | wc -l`), '1');
    });

    test('that it was left alone is about the authority: the own one is asked at once', async () => {
      const { server, later } = get();
      await waitsForTime(server);
      await shell(server, PINNED, RELOAD);
      assert.equal((await later(LONG_S + 1200)).findings.length, 1);
      await shell(server, UNPINNED);
      await edit(server, 's/^source = .*/source = "own-ca"/', 's/^directory/#&/');
      await exits(server, 0, 'apply', '--yes');
      assert.match((await later(LONG_S + 1300)).done[0] ?? '', /^The next key is in use\./);
    });
  },
);
