/** Which names for mail programs a certificate of a public authority (Pebble) is asked for, by what DNS says of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesOf, type CertificateAuthority, forget, type Internet, type Ours } from '../internet/index.ts';
import { exits } from '../operator.ts';
import { ok } from '../people.ts';
import { until } from '../process.ts';
import { everywhere } from './shown-certificates.ts';

interface Place {
  readonly net: Internet;
  readonly server: Ours;
  readonly authority: CertificateAuthority;
}

/** Of IPv6, where nobody is. */
export const GONE = addressesOf(9001).v6;
const NAMES = 'openssl x509 -in /var/lib/hauspost/tls/chain.pem -noout -ext subjectAltName | tail -n 1';

export const aliases = (domain: string, hostname: string, ...names: readonly string[]): readonly string[] =>
  names.map((name) => `${name}.${domain}. CNAME ${hostname}.`);

export const leftOutUntilEverywhere = (get: () => Place): void => {
  test('a name that one of two name servers lacks is left out until both have it', async () => {
    const { net, server } = get();
    const { domain, hostname } = server.identity;
    const name = `imap.late.${domain}`;
    await server.order('domain', 'add', `late.${domain}`);
    const goOn = await net.names.hold(`${domain}.`);
    await net.names.add(...aliases(`late.${domain}`, hostname, 'imap'));
    const status = async (): Promise<string> => (await exits(server, 0, 'cert', 'status', '--json')).stdout;
    assert.match(await status(), new RegExp(`"${name}","why":"(not every name server has it yet: ns2\\.example|there is no such name in DNS)"`));
    await goOn();
    await until(`${name} is asked for`, async () => !(await status()).includes(`"${name}","why"`) || undefined, 30_000, 1000);
    await server.order('domain', 'remove', `late.${domain}`, '--yes');
  });
};

export const keptNames = (get: () => Place): void => {
  test('an address of the server that nobody answers at costs no name that the certificate has; one that it does not have waits', async () => {
    const { net, server, authority } = get();
    const { hostname, domain } = server.identity;
    const names = async (): Promise<readonly string[]> =>
      ok(await server.machine.run(['sh', '-c', NAMES]))
        .stdout.trim()
        .split(', ')
        .toSorted();
    const [before, serial] = [await names(), await everywhere(net, server, authority)];
    assert.ok(before.includes(`DNS:imap.${domain}`), before.join());
    const records = [`${hostname}. AAAA ${GONE}`, ...aliases(`later.${domain}`, hostname, 'smtp')];
    await server.order('domain', 'add', `later.${domain}`);
    await net.names.add(...records);
    await forget(server, `${hostname}.`);
    const seen = async (): Promise<boolean> => ok(await authority.host.room.run(['kdig', '+short', `${hostname}.`, 'AAAA'])).stdout.includes(GONE);
    // What was asked before is denied for as long as its NSEC is remembered, a minute (RFC 8198).
    await until('the world has it', async () => (await seen()) || undefined, 90_000, 1000);
    const { stdout } = await exits(server, 0, 'cert', 'renew', '--force');
    assert.match(stdout, new RegExp(`^Left out: .*smtp\\.later\\.${domain}: it leads to ${GONE}, which is not this server`, 'm'));
    await everywhere(net, server, authority, serial);
    assert.deepEqual(await names(), before);
    await net.names.remove(...records);
    await forget(server, `${hostname}.`);
    await server.order('domain', 'remove', `later.${domain}`, '--yes');
  });
};
