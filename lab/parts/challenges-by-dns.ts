/** Challenges by DNS beyond the plain case: what an attempt that was ended has left there, and names of challenges that are aliases. */
import assert from 'node:assert/strict';
import type { Internet, Ours } from '../internet/index.ts';
import { answered, exits } from '../operator.ts';

/** As the first name server shows them. */
const textsAt = async ({ people, names }: Internet, name: string): Promise<string> =>
  (await people.must(['kdig', `@${names.servers.primary.addresses.v4}`, '+short', name, 'TXT'])).stdout.trim();

/** Nobody takes away what certbot had put there when it was ended, but who asks the next time. */
export const takesLeftOversAway = async (net: Internet, server: Ours): Promise<void> => {
  const { hostname } = server.identity;
  const text = 'left'.padEnd(43, '-');
  await exits(server, 0, 'cert', 'challenge', 'put', hostname, text);
  assert.equal(await textsAt(net, `_acme-challenge.${hostname}`), `"${text}"`);
  await exits(server, 0, 'cert', 'renew', '--force');
  assert.equal(await textsAt(net, `_acme-challenge.${hostname}`), '');
  assert.equal((await server.machine.run(['test', '-e', '/var/lib/hauspost/acme/challenges.json'])).code, 1);
};

/** Into a zone of ours they are followed; elsewhere they are an obstacle, and told. */
export const followsAliases = async (net: Internet, server: Ours): Promise<void> => {
  const { domain } = server.identity;
  const [certified, name, target] = [`imap.${domain}`, `_acme-challenge.imap.${domain}`, `challenges.${domain}`];
  const leftOut = async (): Promise<string | undefined> => {
    const { document } = await answered<{ left_out: readonly { name: string; why: string }[] }>(server, 'cert', 'status');
    return document.left_out.find((each) => each.name === certified)?.why;
  };
  await net.names.add(`${name}. CNAME ${target}.`);
  assert.equal(await leftOut(), undefined);
  const { stdout } = await exits(server, 0, 'cert', 'renew', '--force');
  assert.ok(!stdout.includes(certified), stdout);
  assert.equal(await textsAt(net, target), '');
  await net.names.remove(`${name}. CNAME`);
  await net.names.add(`${name}. CNAME challenges.elsewhere.test.`);
  assert.match((await leftOut()) ?? '', /^_acme-challenge\.imap\.\S+ is an alias of challenges\.elsewhere\.test: \S+ does not serve its zone$/);
  await net.names.remove(`${name}. CNAME`);
};
