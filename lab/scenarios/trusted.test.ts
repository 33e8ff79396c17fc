/**
 * The way of README from `up` to mail that others trust, with two domains: the records are pushed, Pebble signs (and refuses some nonces), and foreign
 * servers believe what is sent from here and insist on the right key. Then the same with nothing pushed: the printed zone is loaded by hand.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dated } from '../dated.ts';
import { fetched, type Login, serverOn, until } from '../index.ts';
import {
  type CertificateAuthority,
  type EximServer,
  forget,
  type Internet,
  NAME_SERVERS,
  onEachReleaseThere,
  type Ours,
  publish,
  printed,
  UPDATER,
} from '../internet/index.ts';
import { exits } from '../operator.ts';
import { bringsOverDane, isBelieved } from '../parts/believed.ts';
import { everywhere } from '../parts/shown-certificates.ts';
import { ok } from '../people.ts';
import { holdUpkeep } from '../upkeep.ts';

const FILE = '/etc/hauspost/hauspost.toml';
const KEY = `key "lab" { algorithm ${UPDATER.algorithm}; secret "${UPDATER.secret}"; };\n`;
const DNS = `[dns]\nttl = "60s"\nupdate_server = "${NAME_SERVERS.primary.v4}"\nupdate_key_file = "/etc/hauspost/dns-key"\n`;

const shell = async ({ machine }: Ours, script: string, input = ''): Promise<string> => ok(await machine.run(['sh', '-c', script], { input })).stdout;

/** The domain of the other machine, which is not there: its zone is served as ours is. */
const further = ({ identity }: Ours): string => (identity.domain === 'house.example' ? 'club.example' : 'house.example');
const annaOf = (server: Ours): Login => ({ user: `anna@${further(server)}`, pass: 'password-of-anna' });

/** Nothing of ours stands in the zones; the names of addresses are somebody else's. */
const emptied = async (net: Internet, server: Ours): Promise<void> => {
  const all = [...(await printed(server, server.identity.domain)), ...(await printed(server, further(server)))];
  const lines = all.filter((line) => !line.includes(' PTR '));
  const places = new Set([...lines.map((line) => line.split(' ').slice(0, 2).join(' ')), `${server.identity.domain}. TXT`]);
  await net.names.remove(...places);
  await forget(server, '.');
};

const green = async (server: Ours): Promise<void> => {
  let told = '';
  const isGreen = async (): Promise<true | undefined> => {
    const { code, stdout } = await server.hauspost(['dns', 'check']);
    told = stdout;
    return code === 0 || undefined;
  };
  await until(() => `dns check is green; it says\n${told}`, isGreen, 60_000, 1000);
};

/** As people meet it who trust Pebble's root. */
const trusting = async (server: Ours, authority: CertificateAuthority): Promise<Ours> => {
  const { client, imap } = await serverOn(server.machine, server.demo, server.vantage, authority.root());
  return { ...server, client, imap };
};

const isTrusted = async (net: Internet, server: Ours, right: EximServer, authority: CertificateAuthority): Promise<void> => {
  const people = await trusting(server, authority);
  for (const login of [server.demo, annaOf(server)]) {
    await isBelieved(net, people, right, login);
    await bringsOverDane(people, right, login);
  }
};

onEachReleaseThere(
  async ({ net, server }) => {
    const authority = await net.pebble({ noncesRefused: 10 });
    await net.names.add('right.example. TXT "v=spf1 mx -all"');
    const right = await net.exim('right', { certificate: 'authority', tlsa: 'right' });
    await shell(server, "printf 'nameserver 127.0.0.1\\n' >/etc/resolv.conf");
    await shell(server, 'umask 077; cat >/etc/hauspost/dns-key', KEY);
    await server.order('domain', 'add', further(server));
    await server.account(annaOf(server));
    await emptied(net, server);
    return { authority, right };
  },
  (get) => {
    test('pushed: six commands after up, two domains are believed, and a public authority vouches for the server', async () => {
      const { net, server, authority, right } = get();
      await shell(server, `cat >>${FILE}`, `[tls]\nsource = "acme"\ndirectory = "${authority.directory}"\n${DNS}`);
      await exits(server, 0, 'apply', '--yes');
      await holdUpkeep(server.machine);
      await exits(server, 0, 'dns', 'push', '--yes');
      await green(server);
      const { stdout } = await exits(server, 0, 'cert', 'renew');
      assert.doesNotMatch(stdout, /Left out/);
      await everywhere(net, server, authority);
      await isTrusted(net, server, right, authority);
    });

    test('by hand: what is printed is loaded into the empty zones, nothing is pushed, and it is the same', async () => {
      const { net, server, authority, right } = get();
      const before = await everywhere(net, server, authority);
      await shell(server, `sed -i '/^\\[dns\\]/,$d' ${FILE}; rm /etc/hauspost/dns-key; printf '[dns]\\nttl = "60s"\\n' >>${FILE}`);
      await emptied(net, server);
      assert.equal((await server.hauspost(['dns', 'check'])).code, 1);
      for (const domain of [server.identity.domain, further(server)]) await publish(net, server, domain);
      await forget(server, '.');
      await green(server);
      await exits(server, 0, 'cert', 'renew', '--force');
      await everywhere(net, server, authority, before);
      await isTrusted(net, server, right, authority);
    });

    test('the strictest policy is for strangers: the self-test, and what the machine has to say, are judged by what they are', async () => {
      const { net, server, right, authority } = get();
      const { domain } = server.identity;
      await shell(server, `printf 'dmarc = "reject"\\n' >>${FILE}`);
      for (const each of [domain, further(server)]) await publish(net, server, each);
      await forget(server, '.');
      await green(server);
      await exits(server, 0, 'selftest');
      await shell(server, `exec sendmail ${server.demo.user}`, 'Subject: Report\nMessage-ID: <report@cron.test>\n\nDone.\n');
      const lines = [`From: friend@${domain}`, `To: ${server.demo.user}`, dated(), 'Message-ID: <forged@right.example>', '', 'Hello.', ''];
      await right.submit('reader@right.example', server.demo.user, lines.join('\n'));
      const imap = await (await trusting(server, authority)).imap(server.demo);
      await fetched(imap, 'INBOX', '<report@cron.test>');
      await fetched(imap, 'Spam', '<forged@right.example>', 60_000);
      await imap.logout();
    });
  },
);
