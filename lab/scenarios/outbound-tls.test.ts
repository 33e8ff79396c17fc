/**
 * M15: what TLS mail to foreign servers goes with. Exim with right, wrong and missing TLSA records, in signed and unsigned zones, with
 * certificates good and bad; the policies of `tlspolicies`. Level and version by Postfix's log, by the other side's, and by what was heard
 * on the network.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type EximServer,
  type Fate,
  fateAt,
  fateOf,
  type ForeignServer,
  handIn,
  type Internet,
  onEachReleaseThere,
  type Ours,
  readerAt,
} from '../internet/index.ts';
import { exits } from '../operator.ts';

const SERVERS: Readonly<Record<string, ForeignServer>> = {
  right: { certificate: 'authority', tlsa: 'right' },
  self: { certificate: 'self-signed', tlsa: 'right' },
  expired: { certificate: 'expired', tlsa: 'right' },
  wrong: { certificate: 'authority', tlsa: 'wrong' },
  bare: { certificate: 'none', tlsa: 'wrong' },
  missing: { certificate: 'self-signed' },
  trusted: { certificate: 'authority' },
  misnamed: { certificate: 'other-name' },
  outdated: { certificate: 'expired' },
  clear: { certificate: 'none' },
  unsigned: { certificate: 'self-signed', tlsa: 'wrong' },
  broken: { certificate: 'authority', tlsa: 'right' },
};

type Expected = readonly [status: 'sent' | 'deferred', level: string | undefined, words: RegExp];

const KEPT = /^250 /;
const UNVERIFIED = /^Server certificate not (?:verified|trusted)$/;
const NOT_OFFERED = /^TLS is required, but was not offered by host /;

/** Without a policy. */
const WITHOUT: readonly (readonly [server: string, expected: Expected])[] = [
  ['right', ['sent', 'Verified', KEPT]],
  // Whom the zone vouches for needs no authority, and its record no date (RFC 7672, section 3.1.1).
  ['self', ['sent', 'Verified', KEPT]],
  ['expired', ['sent', 'Verified', KEPT]],
  ['wrong', ['deferred', undefined, UNVERIFIED]],
  ['bare', ['deferred', undefined, NOT_OFFERED]],
  ['missing', ['sent', 'Untrusted', KEPT]],
  ['trusted', ['sent', 'Trusted', KEPT]],
  ['misnamed', ['sent', 'Trusted', KEPT]],
  ['outdated', ['sent', 'Untrusted', KEPT]],
  ['clear', ['sent', undefined, KEPT]],
  // A record that nobody signed does not count (RFC 7672, section 2.1).
  ['unsigned', ['sent', 'Untrusted', KEPT]],
];

type Params = string | ((server: EximServer) => Promise<string>);

const fingerprint = async ({ host }: EximServer): Promise<string> => {
  const { stdout } = await host.must(['openssl', 'x509', '-in', '/srv/tls/certificate.pem', '-noout', '-fingerprint', '-sha256']);
  return `match=${stdout.trim().split('=')[1]}`;
};

const POLICIES: readonly (readonly [server: string, policy: string, params: Params | undefined, expected: Expected])[] = [
  ['trusted', 'none', undefined, ['sent', undefined, KEPT]],
  ['trusted', 'may', undefined, ['sent', 'Trusted', KEPT]],
  ['trusted', 'may', 'protocols=TLSv1.2', ['sent', 'Trusted', KEPT]],
  ['trusted', 'encrypt', undefined, ['sent', 'Trusted', KEPT]],
  ['missing', 'encrypt', undefined, ['sent', 'Untrusted', KEPT]],
  ['clear', 'encrypt', undefined, ['deferred', undefined, NOT_OFFERED]],
  ['trusted', 'encrypt', 'protocols=TLSv1.3', ['sent', 'Trusted', KEPT]],
  ['trusted', 'dane', undefined, ['sent', 'Trusted', KEPT]],
  ['right', 'dane-only', undefined, ['sent', 'Verified', KEPT]],
  ['trusted', 'dane-only', undefined, ['deferred', undefined, /TLSA/]],
  ['unsigned', 'dane-only', undefined, ['deferred', undefined, /TLSA|DNSSEC/]],
  ['missing', 'fingerprint', fingerprint, ['sent', 'Verified', KEPT]],
  ['missing', 'fingerprint', `match=${'00:'.repeat(31)}00`, ['deferred', undefined, UNVERIFIED]],
  ['trusted', 'verify', undefined, ['sent', 'Verified', KEPT]],
  ['trusted', 'verify', 'match=elsewhere.example', ['deferred', undefined, UNVERIFIED]],
  ['misnamed', 'verify', undefined, ['deferred', undefined, UNVERIFIED]],
  ['misnamed', 'verify', 'match=other.example', ['sent', 'Verified', KEPT]],
  ['trusted', 'secure', 'match=nexthop:dot-nexthop', ['sent', 'Verified', KEPT]],
  ['trusted', 'secure', 'match=.elsewhere.example', ['deferred', undefined, UNVERIFIED]],
  ['missing', 'secure', undefined, ['deferred', undefined, UNVERIFIED]],
  ['outdated', 'secure', undefined, ['deferred', undefined, UNVERIFIED]],
];

/** Of a message whose writer says that it may go without TLS (RFC 8689). */
const NOT_REQUIRED: readonly (readonly [server: string, policy: readonly string[], expected: Expected])[] = [
  ['wrong', [], ['deferred', undefined, UNVERIFIED]],
  ['right', [], ['sent', 'Verified', KEPT]],
  ['missing', ['secure'], ['deferred', undefined, UNVERIFIED]],
  ['clear', ['encrypt'], ['deferred', undefined, NOT_OFFERED]],
  ['trusted', ['secure', 'match=nexthop:dot-nexthop'], ['sent', 'Verified', KEPT]],
];

const arrange = async (net: Internet): Promise<Readonly<Record<string, EximServer>>> => {
  const made: [string, EximServer][] = [];
  for (const [name, options] of Object.entries(SERVERS)) made.push([name, await net.exim(name, options)]);
  return Object.fromEntries(made);
};

/** What its log says of the connection that brought `subject`. */
const seenThere = async (server: EximServer, subject: string): Promise<string | undefined> => {
  const line = (await server.log()).split('\n').find((each) => each.includes(' <= ') && each.includes(`T="${subject}"`));
  assert.ok(line !== undefined, `${server.host.name} has no ${subject}`);
  return / X=(TLS[\d.]+):/.exec(line)?.[1];
};

/** The last connection to it from us. */
const heard = async (
  net: Internet,
  from: Ours,
  to: EximServer,
): Promise<{ readonly lines: readonly string[]; readonly version: string | undefined }> => {
  const all = await net.conversations();
  const [ours, theirs] = [Object.values(from.identity.addresses), Object.values(to.host.addresses)];
  const last = all.findLast((each) => ours.includes(each.from) && theirs.includes(each.to) && each.port === 25);
  assert.ok(last !== undefined, 'nothing was heard');
  return { lines: last.lines, version: last.tls?.version };
};

onEachReleaseThere(
  async ({ net }) => ({ servers: await arrange(net) }),
  (get) => {
    const judge = async (
      name: string,
      fate: Fate & { readonly subject: string; readonly to: string },
      [status, level, words]: Expected,
    ): Promise<void> => {
      const { net, server, servers } = get();
      const there = servers[name];
      assert.ok(there !== undefined);
      assert.deepEqual([fate.status, fate.status === 'sent' ? fate.tls?.level : undefined], [status, level], JSON.stringify(fate));
      assert.match(fate.words, words);
      if (status === 'deferred') {
        assert.ok(!(await there.messages()).some((text) => text.includes(fate.subject)), 'and is not there');
        return;
      }
      await there.message(fate.subject);
      const { lines, version } = await heard(net, server, there);
      const seen = await seenThere(there, fate.subject);
      assert.deepEqual(
        [seen, version?.replace(' ', '')],
        level === undefined ? [undefined, undefined] : [fate.tls?.version.replace('TLSv', 'TLS'), seen],
      );
      assert.equal(
        lines.some((line) => line.startsWith('C: MAIL FROM:')),
        level === undefined,
        lines.join('\n'),
      );
    };

    for (const [name, expected] of WITHOUT)
      test(`M15: a server whose TLS is "${name}": ${expected[0]}${expected[1] === undefined ? '' : `, ${expected[1]}`}`, async () => {
        await judge(name, await fateAt(get().server, `${name}.example`), expected);
      });

    test('M15: a domain whose signatures are wrong: people are told to come later, and what is in the queue waits', async () => {
      const { server, servers } = get();
      await assert.rejects(handIn(server, readerAt('broken.example')), /^Error: RCPT TO:.*: 450 .*Domain not found/);
      const to = readerAt('broken.example');
      const argv = ['sendmail', '-f', server.demo.user, to];
      assert.equal((await server.machine.run(argv, { input: `From: ${server.demo.user}\nSubject: ${to}\n\nHello.\n` })).code, 0);
      await judge('broken', { ...(await fateOf(server, to)), subject: to, to }, ['deferred', undefined, /^Host or domain name not found\./]);
      assert.deepEqual(await servers['broken']?.messages(), []);
    });

    for (const [number, [name, policy, params, expected]] of POLICIES.entries())
      test(`M15: policy ${policy}${params === undefined ? '' : ` ${typeof params === 'string' ? params : 'with its fingerprint'}`} for "${name}": ${expected[0]}`, async () => {
        const { net, server, servers } = get();
        // Each of its own: Postfix lets a domain wait that could not be reached.
        const [domain, there] = [`policy-${number}.${name}.example`, servers[name]];
        assert.ok(there !== undefined);
        await net.names.add(`${domain}. MX 10 mail.${name}.example.`);
        const given = typeof params === 'function' ? await params(there) : params;
        await exits(server, 0, 'tls-policy', 'set', domain, policy, ...(given === undefined ? [] : given.split(' ')));
        const fate = await fateAt(server, domain);
        await judge(name, fate, expected);
        const version = /TLSv1\.[23]/.exec(given ?? '')?.[0];
        if (version !== undefined) assert.equal(fate.tls?.version, version);
      });

    for (const [number, [name, policy, expected]] of NOT_REQUIRED.entries())
      test(`M15: "TLS-Required: no", ${policy[0] === undefined ? 'no policy' : `policy ${policy[0]}`}, for "${name}": ${expected[0]} all the same`, async () => {
        const { net, server } = get();
        const domain = `not-required-${number}.${name}.example`;
        await net.names.add(`${domain}. MX 10 mail.${name}.example.`);
        if (policy.length > 0) await exits(server, 0, 'tls-policy', 'set', domain, ...policy);
        await judge(name, await fateAt(server, domain, ['TLS-Required: no']), expected);
      });
  },
);
