/** A server that the world believes: what it sends passes SPF, DKIM and DMARC far away and goes under TLS that DANE vouches for, and so does what is sent to it. */
import assert from 'node:assert/strict';
import { authenticate, type AuthenticateOptions } from 'mailauth';
import { dated } from '../dated.ts';
import { askingFrom, type EximServer, fateOf, type Internet, type Ours, readerAt } from '../internet/index.ts';
import { arrived, type Login } from '../mail.ts';
import { until } from '../process.ts';
import { submit } from './believing.ts';

const send = async (server: Ours, { user, pass }: Login, to: string, id: string): Promise<void> => {
  const smtp = await server.client(587, { user, pass });
  await submit(smtp, user, to, id);
  smtp.close();
};

interface Verdict {
  readonly spf: string;
  readonly dkim: readonly string[];
  readonly dmarc: string;
  readonly policy: string;
}

/** By mailauth, which asks what the host of the receiver would ask. */
const verdict = async (
  { host }: EximServer,
  message: string,
  from: { readonly ip: string; readonly helo: string; readonly sender: string },
): Promise<Verdict> => {
  const resolver = askingFrom(host) as NonNullable<AuthenticateOptions['resolver']>;
  const source = Buffer.from(message.replace(/\r?\n/g, '\r\n'), 'latin1');
  const { spf, dkim, dmarc } = await authenticate(source, { ...from, mta: host.name, resolver, disableArc: true, disableBimi: true });
  return {
    spf: spf === false ? '' : spf.status.result,
    dkim: dkim.results.map(({ signingDomain, status }) => `${signingDomain} ${status.result === 'pass' ? 'pass' : 'fail'}`),
    dmarc: dmarc === false ? '' : dmarc.status.result,
    policy: dmarc === false ? '' : String(dmarc.policy),
  };
};

/** The address from which Exim got the message that it wrote down. */
const clientOf = (message: string): string =>
  /^Received: from \S+ \(\[([0-9a-f.:]+)\]|^Received: from [^[]*\[([0-9a-f.:]+)\]/m.exec(message)?.slice(1).find(Boolean) ?? '';

/** Sent by a login of `server` to Exim: it is what its domain says, and from anywhere else, or changed, it is not. */
export const isBelieved = async (net: Internet, server: Ours, right: EximServer, login: Login): Promise<void> => {
  const domain = login.user.split('@')[1] ?? '';
  const to = readerAt('right.example');
  await send(server, login, to, `${to}.${domain}`);
  const { status, tls } = await fateOf(server, to);
  assert.deepEqual([status, tls?.level], ['sent', 'Verified']);
  const message = await right.message(`${to}.${domain}`);
  const from = { ip: clientOf(message), helo: server.identity.hostname, sender: login.user };
  assert.ok(Object.values(server.identity.addresses).includes(from.ip), message);
  const believed = { spf: 'pass', dkim: [`${domain} pass`, `${domain} pass`], dmarc: 'pass', policy: 'none' };
  assert.deepEqual(await verdict(right, message, from), believed);
  for (const ip of Object.values(server.identity.addresses)) assert.equal((await verdict(right, message, { ...from, ip })).spf, 'pass', ip);
  const forged = message.replace('Hello.', 'Hallo.');
  const elsewhere = { ...from, ip: net.people.addresses.v4 };
  const notBelieved = { spf: 'softfail', dkim: [`${domain} fail`, `${domain} fail`], dmarc: 'fail', policy: 'none' };
  assert.deepEqual(await verdict(right, forged, elsewhere), notBelieved);
  const below = forged.replace(`From: <${login.user}>`, `From: <x@nowhere.${domain}>`);
  assert.equal((await verdict(right, below, elsewhere)).policy, 'reject', 'a name that does not exist');
};

let brought = 0;

/** A foreign Exim, whose resolver may remember what it was told, has compared the key of the server with its TLSA record. */
export const bringsOverDane = async (server: Ours, foreign: EximServer, { user, pass } = server.demo): Promise<void> => {
  brought += 1;
  const id = `dane-${brought}@right.example`;
  const lines = ['From: reader@right.example', `To: ${user}`, dated(), `Message-ID: <${id}>`, '', 'Hello.', ''];
  await foreign.submit('reader@right.example', user, lines.join('\n'));
  const imap = await server.imap({ user, pass });
  await arrived(imap, `<${id}>`, 60_000);
  await imap.logout();
  // Exim writes that down after its QUIT, when the message may have been read already.
  const line = await until(
    `Exim says where ${id} went`,
    async () => {
      const log = (await foreign.log()).split('\n');
      const [, queueId] = / (\S+) <= /.exec(log.find((each) => each.includes(` id=${id}`)) ?? '') ?? [];
      return log.find((each) => queueId !== undefined && each.includes(` ${queueId} => ${user} `));
    },
    30_000,
    200,
  );
  assert.match(line, / CV=dane /);
};
