/** Challenges by DNS beyond the plain case: a key that may not put them there, what an attempt that was ended has left there, and names of challenges that are aliases. */
import assert from 'node:assert/strict';
import { type Internet, OF_ADDRESSES, type Ours } from '../internet/index.ts';
import { answered, exits, type Failure } from '../operator.ts';

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

/** certbot does not hear that a record was refused, and asks the authority all the same. Of a key that may not do it Knot 3.2 says BADKEY, 3.4 NOTAUTH. */
export const tellsWhatIsNotPut = async (net: Internet, server: Ours): Promise<void> => {
  const { hostname, domain } = server.identity;
  const { document } = await answered<Failure>(server, 'cert', 'renew', '--force');
  const { code, message, remedy } = document.error;
  assert.match(code, /^dns\.update-(?:key|not-authoritative)$/);
  assert.match(message, new RegExp(`^what the authority looks for could not be put into DNS for [^:]*\\b${hostname}\\b[^:]*: `));
  for (const word of [`imap.${domain}`, net.names.servers.primary.addresses.v4, `the key ${OF_ADDRESSES.name.replace(/\.$/, '')}`])
    assert.ok(message.includes(word), `${word}: ${message}`);
  assert.match(remedy, /docs\/dns\.md says how/);
  const { document: status } = await answered<{ last_attempt: { error: Failure['error'] | null } | null }>(server, 'cert', 'status');
  assert.deepEqual([status.last_attempt?.error?.code, status.last_attempt?.error?.message], [code, message]);
  assert.equal((await server.machine.run(['test', '-e', '/var/lib/hauspost/acme/challenges.json'])).code, 1, 'nothing is to be taken away');
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
