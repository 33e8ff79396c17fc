/**
 * M19, M29: certificates of a public authority by ACME, with Debian's certbot against Pebble, which refuses some nonces: what is served is what Pebble
 * signed, for the key that was there before; sessions live through a renewal; and whatever is in the way is told in a message of its own, and changes nothing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockOf } from '../clock.ts';
import { heldUp } from '../held-up.ts';
import { HAUSPOST, serverOn, until } from '../index.ts';
import {
  apply,
  type CertificateAuthority,
  LIMITED,
  limitedAuthority,
  OF_ADDRESSES,
  onEachReleaseThere,
  type Ours,
  UPDATER,
} from '../internet/index.ts';
import { answered, exits, type Failure, type Finding, type Plan } from '../operator.ts';
import { bringsOverDane } from '../parts/believed.ts';
import { aliases, GONE, keptNames, leftOutUntilEverywhere } from '../parts/certified-names.ts';
import { followsAliases, takesLeftOversAway, tellsWhatIsNotPut } from '../parts/challenges-by-dns.ts';
import { everywhere, serialAt } from '../parts/shown-certificates.ts';
import { ok } from '../people.ts';
import { holdUpkeep } from '../upkeep.ts';

/** 50 minutes: it is renewed when 1000 seconds are left, and when 666 are left somebody has to know. */
const LIFETIME_S = 3000;
const FURTHER = 'further.example';

const shell = async ({ machine }: Ours, script: string): Promise<string> => ok(await machine.run(['sh', '-c', script])).stdout.trim();

const PUBLIC_KEY = 'openssl pkey -in /var/lib/hauspost/tls/key.pem -pubout -outform DER | sha256sum | cut -d " " -f 1';
const NAMES = 'openssl x509 -in /var/lib/hauspost/tls/chain.pem -noout -ext subjectAltName | tail -n 1';
const LIES = 'sha256sum /var/lib/hauspost/tls/*.pem /var/lib/hauspost/certificate';

interface Rollover {
  readonly state: string;
  readonly tlsa: string;
  readonly said: string;
}

/** As people meet it who trust Pebble's root. */
const trusting = async (server: Ours, authority: CertificateAuthority): Promise<Ours> => {
  const { client, imap, sieve } = await serverOn(server.machine, server.demo, server.vantage, authority.root());
  return { ...server, client, imap, sieve };
};

interface CertStatus {
  readonly certificate: { readonly names: readonly string[]; readonly own_ca: boolean; readonly tlsa: string; readonly served: boolean };
  readonly left_out: readonly { readonly name: string }[];
  readonly last_attempt: { readonly error: { readonly code: string; readonly message: string } | null } | null;
  readonly next: string;
}

const codes = async (server: Ours, command: 'status' | 'plan'): Promise<readonly Finding[]> =>
  (await answered<{ findings: readonly Finding[] }>(server, command)).document.findings.filter(({ code }) => code.startsWith('tls.'));

/** `cert renew` fails with that code, and what lies there and is served stays. */
const refuses = async (server: Ours, code: string, message: RegExp, ...words: readonly string[]): Promise<Failure['error']> => {
  const before = await shell(server, LIES);
  const { code: exit, document } = await answered<Failure>(server, 'cert', 'renew', ...words);
  assert.deepEqual([exit, document.error.code], [4, code], document.error.message);
  assert.match(document.error.message, message);
  assert.equal(await shell(server, LIES), before);
  const status = (await answered<CertStatus>(server, 'cert', 'status')).document;
  assert.equal(status.last_attempt?.error?.code, code);
  return document.error;
};

onEachReleaseThere(
  async ({ net, server }) => {
    const authority = await net.pebble({ lifetimeS: LIFETIME_S, noncesRefused: 10, unanswered: [GONE] });
    const foreign = await net.exim('right', { certificate: 'authority', tlsa: 'right' });
    await net.names.add('right.example. TXT "v=spf1 mx -all"');
    const limited = await limitedAuthority(await net.host('limited.example'));
    const at = await clockOf(server.machine);
    await shell(server, "printf 'nameserver 127.0.0.1\\n' >/etc/resolv.conf");
    // These tests call it themselves, and want to know when.
    await holdUpkeep(server.machine);
    return { authority, foreign, limited, at };
  },
  (get) => {
    test('until it has signed, the own authority’s certificate is served for the same key, and everybody is told so', async () => {
      const { net, server, authority } = get();
      const { domain, hostname } = server.identity;
      const key = await shell(server, PUBLIC_KEY);
      // Nobody answers there.
      await authority.end();
      await apply(server, `[tls]\nsource = "acme"\ndirectory = "${authority.directory}"\n`);
      assert.equal(await shell(server, PUBLIC_KEY), key);
      assert.deepEqual(
        (await codes(server, 'status')).map(({ code }) => code),
        ['tls.not-signed'],
      );
      const { certificate } = (await answered<CertStatus>(server, 'cert', 'status')).document;
      assert.deepEqual([certificate.own_ca, certificate.served, certificate.tlsa], [true, true, `3 1 1 ${key}`]);
      await refuses(server, 'acme.down', /^the authority at acme\.example does not answer/);
      assert.match((await codes(server, 'plan'))[0]?.message ?? '', /signed no certificate yet.*does not answer/);
      const { records } = (await answered<{ records: readonly { name: string; type: string }[] }>(server, 'dns', 'records')).document;
      const cnames = records.filter(({ type }) => type === 'CNAME').map(({ name }) => name);
      assert.deepEqual(cnames, [`imap.${domain}`, `smtp.${domain}`]);
      await authority.begin();
      await net.names.add(...aliases(domain, hostname, 'imap'), `smtp.${domain}. A 198.18.9.1`);
    });

    test('killed while certbot asks, upkeep does not ask again a minute later; who wants it called earlier meanwhile is heard', async () => {
      const { server } = get();
      const due = async (): Promise<number> => Number(await shell(server, 'echo $(($(cat /run/hauspost/upkeep) - $(date +%s)))'));
      await shell(server, 'rm /var/lib/hauspost/acme/attempt.json');
      const hurried = await heldUp(server.machine, 'certbot', ['upkeep']);
      await shell(server, 'rm /run/hauspost/upkeep');
      assert.equal(await hurried.losesProgram(), 1);
      assert.ok((await due()) <= 61, `called in ${await due()} s`);
      await shell(server, 'rm /var/lib/hauspost/acme/attempt.json');
      await (await heldUp(server.machine, 'certbot', ['upkeep'])).killed();
      assert.ok((await due()) > 300, `called in ${await due()} s`);
      const { last_attempt } = (await answered<CertStatus>(server, 'cert', 'status')).document;
      assert.equal(last_attempt?.error?.code, 'acme.interrupted');
      const { code, document } = await answered<{ done: readonly string[]; findings: readonly Finding[] }>(server, 'upkeep');
      assert.deepEqual([code, document.done, document.findings], [0, [], []], 'it is left alone');
    });

    test('M19: it signs for the names that lead here, for the key that was there; all ports show that, and it may be asked again and again', async () => {
      const { net, server, authority } = get();
      const { domain, hostname } = server.identity;
      const key = await shell(server, PUBLIC_KEY);
      const { stdout } = await exits(server, 0, 'cert', 'renew');
      assert.match(stdout, new RegExp(`^Left out: smtp\\.${domain}: it leads to 198\\.18\\.9\\.1, which is not this server\\.$`, 'm'));
      const first = await everywhere(net, server, authority);
      assert.equal(await shell(server, NAMES), `DNS:${hostname}, DNS:imap.${domain}`);
      assert.equal(await serialAt(net, server, authority, 993, `imap.${domain}`), first);
      assert.equal(await serialAt(net, server, authority, 993, `smtp.${domain}`), '', 'its twin, which is not in it');
      assert.deepEqual(await codes(server, 'status'), []);
      assert.match((await exits(server, 0, 'cert', 'renew')).stdout, /^Nothing is due/);
      assert.equal(await shell(server, PUBLIC_KEY), key);
      assert.equal((await answered<Plan>(server, 'plan')).code, 0, 'nothing is left to do');
      assert.equal(await shell(server, 'stat -c "%U:%G %a" /var/lib/hauspost/tls/key.pem /var/lib/hauspost/acme'), 'root:root 600\nroot:root 700');
    });

    test('M19: where DNS cannot be asked no other key is begun, and that is said', async () => {
      const { server } = get();
      await shell(server, 'systemctl stop unbound');
      const { code, document } = await answered<Failure>(server, 'cert', 'rollover');
      await shell(server, 'systemctl start unbound');
      assert.deepEqual([code, document.error.code], [4, 'dns.no-resolver']);
      assert.equal(await shell(server, 'find /var/lib/hauspost/tls -name next-key.pem'), '');
    });

    test('M19: the next key is not used while one of two name servers lacks its record; foreign servers go on bringing mail over DANE', async () => {
      const { net, server, authority, foreign } = get();
      const people = await trusting(server, authority);
      const { domain, hostname } = server.identity;
      const key = await shell(server, PUBLIC_KEY);
      await shell(server, 'printf \'[dns]\\nttl = "60s"\\n\' >>/etc/hauspost/hauspost.toml');
      await bringsOverDane(people, foreign);
      const { document: begun } = await answered<Rollover>(server, 'cert', 'rollover');
      assert.equal(begun.state, 'waits');
      assert.match(
        begun.said,
        /^not every name server shows _25\._tcp\.\S+ TLSA 3 1 1 [0-9a-f]{64}: ns1\.example \(\S+\): absent, ns2\.example \(\S+\): absent$/,
      );
      const tlsa = async (): Promise<readonly string[]> =>
        (await exits(server, 0, 'dns', 'records', hostname, '--zone')).stdout.match(/TLSA 3 1 1 [0-9a-f]{64}/g) ?? [];
      assert.deepEqual(await tlsa(), [`TLSA 3 1 1 ${key}`, `TLSA ${begun.tlsa}`]);
      assert.deepEqual(
        (await codes(server, 'status')).map(({ code }) => code),
        ['tls.rollover'],
      );
      const goOn = await net.names.hold(`${domain}.`);
      await net.names.add(`_25._tcp.${hostname}. TLSA ${begun.tlsa}`);
      const half = await until(
        'the first name server shows it',
        async () => {
          const { document } = await answered<Rollover>(server, 'cert', 'rollover');
          return document.said.includes('ns1.example') ? undefined : document;
        },
        60_000,
        200,
      );
      assert.match(half.said, /: ns2\.example \(\S+\): absent$/);
      await goOn();
      const { document: all } = await answered<Rollover>(server, 'cert', 'rollover');
      assert.deepEqual([all.state, all.tlsa], ['waits', begun.tlsa]);
      assert.match(all.said, /^others may remember what was published before until /);
      assert.equal(await shell(server, PUBLIC_KEY), key);
      assert.deepEqual(await codes(server, 'status'), []);
      await bringsOverDane(people, foreign);
    });

    leftOutUntilEverywhere(get);

    test('M19: a name more, and a renewal that is asked for: whoever is connected goes on', async () => {
      const { net, server, authority } = get();
      const { domain, hostname } = server.identity;
      const key = await shell(server, PUBLIC_KEY);
      const people = await trusting(server, authority);
      const [smtp, imap, sieve] = [await people.client(587, server.demo), await people.imap(server.demo), await people.sieve()];
      assert.equal((await sieve.login(server.demo)).status, 'OK');
      let serial = await everywhere(net, server, authority);
      await net.names.add(...(await aliases(FURTHER, hostname, 'imap')));
      await server.order('domain', 'add', FURTHER);
      for (const words of [[], ['--force']]) {
        await exits(server, 0, 'cert', 'renew', ...words);
        serial = await everywhere(net, server, authority, serial);
        assert.equal((await smtp.command('NOOP')).code, 250);
        assert.equal((await sieve.command('LISTSCRIPTS')).status, 'OK');
        await imap.noop();
        assert.equal(imap.usable, true);
      }
      for (const session of [smtp, sieve]) session.close();
      await imap.logout();
      assert.deepEqual(
        (await shell(server, NAMES)).split(', ').toSorted(),
        [`imap.${FURTHER}`, `imap.${domain}`, hostname].map((name) => `DNS:${name}`).toSorted(),
      );
      assert.equal(await shell(server, PUBLIC_KEY), key);
    });

    test('M19: once all that was remembered has run out upkeep uses it: key and chain change together, DANE holds all the time, and then the old record goes', async () => {
      const { net, server, authority, foreign } = get();
      const people = await trusting(server, authority);
      const { hostname } = server.identity;
      const [key, serial] = [await shell(server, PUBLIC_KEY), await everywhere(net, server, authority)];
      const said = await until(
        'the next key is in use',
        async () => {
          const { document } = await answered<{ done: readonly string[]; findings: readonly Finding[] }>(server, 'upkeep');
          assert.deepEqual(document.findings, []);
          return document.done.find((each) => each.startsWith('The next key is in use.'));
        },
        90_000,
        3000,
      );
      console.log(`    ${said}`);
      const next = await shell(server, PUBLIC_KEY);
      assert.notEqual(next, key);
      await everywhere(net, server, authority, serial);
      await bringsOverDane(people, foreign);
      await net.names.remove(`_25._tcp.${hostname}. TLSA 3 1 1 ${key}`);
      await bringsOverDane(people, foreign);
      assert.match((await exits(server, 0, 'dns', 'records', hostname, '--zone')).stdout, new RegExp(`TLSA 3 1 1 ${next}`));
      assert.equal(
        await shell(server, 'find /var/lib/hauspost/tls -name "*key.pem" -type f -exec stat -c "%U:%G %a" {} +'),
        'root:root 600',
        'the old key is gone',
      );
      assert.equal((await answered<Plan>(server, 'plan')).code, 0);
    });

    test('port 80 shut: the authority’s words, and that it is port 80; nothing is due, and upkeep does not look again in a minute; open again, it is signed', async () => {
      const { net, server, authority, at } = get();
      const before = await everywhere(net, server, authority);
      await shell(server, 'systemctl stop nginx');
      const { remedy, message } = await refuses(server, 'acme.challenge', /cannot reach this server.* \(connection\)/, '--force');
      assert.match(remedy, /^Port 80 /);
      assert.ok(
        [server.identity.hostname, 'imap.'].some((name) => message.includes(name)),
        message,
      );
      await shell(server, 'systemctl start nginx');
      const upkeep = JSON.parse((await at(1000, [HAUSPOST, 'upkeep', '--json'])).stdout) as { done: unknown; findings: unknown; next: string };
      assert.deepEqual([upkeep.done, upkeep.findings], [[], []], 'nothing is due');
      assert.ok(Date.parse(upkeep.next) > Date.now() + 2000_000, `nor in a minute: ${upkeep.next}`);
      await exits(server, 0, 'cert', 'renew', '--force');
      await everywhere(net, server, authority, before);
    });

    test('DNS-01: the record is put by nsupdate, seen by all name servers, and gone again; port 80 is shut meanwhile; a key with another secret is told as that', async () => {
      const { net, server, authority } = get();
      const before = await everywhere(net, server, authority);
      const { hostname } = server.identity;
      const key = (secret: string, name = 'lab'): Promise<string> =>
        shell(server, `umask 077; printf '%s' 'key "${name}" { algorithm ${UPDATER.algorithm}; secret "${secret}"; };' >/etc/hauspost/dns-key`);
      await shell(server, 'cp /etc/hauspost/hauspost.toml /root/before.toml');
      await shell(server, `sed -i '/^source/a challenge = "dns"' /etc/hauspost/hauspost.toml`);
      const lies = await shell(server, LIES);
      assert.match((await exits(server, 3, 'cert', 'renew', '--force')).stderr, /needs somebody who takes changes of the zones/);
      const address = net.names.servers.primary.addresses.v4;
      const lines = [`update_server = "${address}"`, 'update_key_file = "/etc/hauspost/dns-key"'].join('\\n');
      await shell(server, `sed -i '/^ttl/a ${lines}' /etc/hauspost/hauspost.toml`);
      await key('d3Jvbmc=');
      assert.match((await exits(server, 3, 'cert', 'renew', '--force')).stderr, /has another secret for the key lab/);
      await key(OF_ADDRESSES.secret, 'addresses');
      await tellsWhatIsNotPut(net, server);
      assert.equal(await shell(server, LIES), lies);
      await key(UPDATER.secret);
      await shell(server, 'systemctl stop nginx');
      // The second time at once, as after a refusal for another reason: the authority's resolver is not to show what was put there the first time.
      for (const _time of ['first', 'second']) await exits(server, 0, 'cert', 'renew', '--force');
      await takesLeftOversAway(net, server);
      await followsAliases(net, server);
      await shell(server, 'systemctl start nginx');
      await everywhere(net, server, authority, before);
      const { stdout } = await net.people.must(['kdig', `@${address}`, '+short', `_acme-challenge.${hostname}`, 'TXT']);
      assert.equal(stdout.trim(), '');
      await shell(server, 'mv /root/before.toml /etc/hauspost/hauspost.toml');
    });

    test('too often: the authority’s words, and to wait; what is served stays', async () => {
      const { net, server, authority, limited } = get();
      const before = await everywhere(net, server, authority);
      const edit = (from: string, to: string): Promise<string> => shell(server, `sed -i 's#${from}#${to}#' /etc/hauspost/hauspost.toml`);
      await edit(authority.directory, limited); // counts at once
      const { message, remedy } = await refuses(
        server,
        'acme.rate-limited',
        /^the authority at limited\.example has signed or refused too often/,
        '--force',
      );
      assert.ok(message.includes(LIMITED), message);
      assert.match(remedy, /^Wait: /);
      await edit(limited, authority.directory);
      assert.equal(await everywhere(net, server, authority), before);
    });

    test('a name that the authority refuses keeps no other from being signed, and is not asked for with the others each time', async () => {
      const { net, server, authority } = get();
      const { hostname, domain } = server.identity;
      const names = async () => (await answered<CertStatus>(server, 'cert', 'status')).document.certificate.names;
      const before = await everywhere(net, server, authority);
      const refused = `imap.${domain}`;
      await authority.end();
      await authority.begin([refused]);
      const { stderr } = await exits(server, 0, 'cert', 'renew', '--force');
      assert.match(stderr, new RegExp(`^warning: the authority at .* does not sign for such a name: ${refused}: .*\n {2}.*${refused}`, 'm'));
      const between = await everywhere(net, server, authority, before);
      const without = await names();
      assert.ok(without.includes(hostname) && !without.includes(refused), without.join(' '));
      await refuses(server, 'acme.name', new RegExp(`^the authority at .* does not sign for such a name: ${refused}: `));
      await authority.end();
      await authority.begin();
      await exits(server, 0, 'cert', 'renew');
      assert.ok((await names()).includes(refused));
      await everywhere(net, server, authority, between);
    });

    test('a clock that is off is told as that, before anything is asked for; nothing is changed', async () => {
      const { net, server, authority, at } = get();
      const serial = await everywhere(net, server, authority);
      const lies = `${LIES} /var/lib/hauspost/acme/attempt/csr.pem`;
      const before = await shell(server, lies);
      const { code, stderr } = await at(2 * 3600, [HAUSPOST, 'cert', 'renew', '--force']);
      assert.match(`${code}\n${stderr}`, /^4\n[\s\S]*^hauspost: the clock of this machine says .*, and the authority at acme\.example says /m);
      assert.equal(await shell(server, lies), before);
      await exits(server, 0, 'cert', 'renew', '--force');
      await everywhere(net, server, authority, serial);
    });

    test('upkeep renews it in time, unasked; near its end with the authority down, status says so in its words', async () => {
      const { net, server, authority, at } = get();
      const before = await everywhere(net, server, authority);
      const early = await at(LIFETIME_S - 1200, [HAUSPOST, 'upkeep']);
      assert.deepEqual([early.code, early.stdout], [0, ''], early.stderr);
      const late = await at(LIFETIME_S - 900, [HAUSPOST, 'upkeep']);
      assert.match(late.stdout, /^The certificate was renewed, since two thirds of its time are over/m, late.stderr);
      const renewed = await everywhere(net, server, authority, before);
      await authority.end();
      const failed = await at(LIFETIME_S - 500, [HAUSPOST, 'upkeep']);
      assert.equal(failed.code, 1, failed.stderr);
      assert.match(failed.stdout, /^the authority at acme\.example does not answer: /);
      const again = await at(LIFETIME_S - 490, [HAUSPOST, 'upkeep']);
      assert.deepEqual([again.code, again.stdout], [0, ''], 'not before 15 minutes');
      const { stdout } = await at(LIFETIME_S - 480, [HAUSPOST, 'status']);
      assert.match(stdout, /^Attention: the certificate runs out on \S+, and was not renewed: the authority at acme\.example does not answer: /m);
      assert.equal(await everywhere(net, server, authority), renewed);
      await authority.begin();
      await exits(server, 0, 'cert', 'renew', '--force');
      await everywhere(net, server, authority, renewed);
      assert.deepEqual(await codes(server, 'status'), []);
    });

    test('back to the own authority, and to the public one again: what that signed is put back without asking it; a key that does not fit the chain heals', async () => {
      const { net, server, authority } = get();
      const before = await everywhere(net, server, authority);
      const key = await shell(server, PUBLIC_KEY);
      await shell(server, 'sed -i \'s/source = "acme"/source = "own-ca"/; /^directory/s/^/#/\' /etc/hauspost/hauspost.toml');
      await exits(server, 0, 'apply', '--yes');
      const own = async (): Promise<true | undefined> => (await serialAt(net, server, authority, 993, server.identity.hostname)) === '' || undefined;
      await until('what the authority signed is not shown', own, 30_000, 200);
      await shell(server, 'sed -i \'s/source = "own-ca"/source = "acme"/; s/^#directory/directory/\' /etc/hauspost/hauspost.toml');
      await authority.end();
      await exits(server, 0, 'apply', '--yes');
      assert.equal(await everywhere(net, server, authority), before);
      assert.equal(await shell(server, PUBLIC_KEY), key);
      await shell(server, 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out /var/lib/hauspost/tls/key.pem');
      await exits(server, 2, 'plan');
      await exits(server, 1, 'upkeep'); // the authority is down; the own one has signed
      assert.equal((await answered<CertStatus>(server, 'cert', 'status')).document.certificate.own_ca, true);
      await exits(server, 0, 'selftest');
      await authority.begin();
      await exits(server, 0, 'cert', 'renew');
      await everywhere(net, server, authority, before);
    });

    keptNames(get);
  },
);
