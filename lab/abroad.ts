/**
 * A server of profile public in a network where everybody else is somewhere else: the mail server of outside.test, another whose name does
 * not lead back, and people's mail programs, each with addresses and a name. hauspost.test with demo@hauspost.test is there as on a machine
 * of profile local, so that the same tests can be run from here.
 */
import { boot } from './machine.ts';
import type { Release } from './kinds.ts';
import { allRun, type Login, type Server, serverOn } from './mail.ts';
import { type NameRecord, nameServer } from './names.ts';
import { type Addresses, network } from './network.ts';
import { tellOnFailure } from './on-failure.ts';
import { succeeded } from './process.ts';
import { PUBLIC, servedPublic } from './served.ts';

const NAMES: Addresses = { v4: '198.18.0.53', v6: '2001:2::53' };
/** mail.outside.test. */
export const OUTSIDE: Addresses = { v4: '198.18.0.66', v6: '2001:2::66' };
/** Its name is mail.outside.test as well, which does not lead back to it. misnamed.test may send from here. */
export const MISNAMED: Addresses = { v4: '198.18.0.67', v6: '2001:2::67' };
const CLIENT = '198.18.0.77';
const DEMO: Login = { user: 'demo@hauspost.test', pass: 'password-of-demo' };

const reversedV6 = (last: string): string => `${[...last].toReversed().join('.')}.${'0.'.repeat(22)}2.0.0.0.1.0.0.2.ip6.arpa`;

const RECORDS: readonly NameRecord[] = [
  { name: 'outside.test', type: 'MX', data: '10 mail.outside.test' },
  { name: 'outside.test', type: 'TXT', data: `v=spf1 ip4:${OUTSIDE.v4} ip6:${OUTSIDE.v6} -all` },
  { name: 'mail.outside.test', type: 'A', data: OUTSIDE.v4 },
  { name: 'mail.outside.test', type: 'AAAA', data: OUTSIDE.v6 },
  { name: 'misnamed.test', type: 'MX', data: '10 mail.outside.test' },
  { name: 'misnamed.test', type: 'TXT', data: `v=spf1 ip4:${MISNAMED.v4} ip6:${MISNAMED.v6} -all` },
  ...['66', '67'].flatMap((last): readonly NameRecord[] => [
    { name: `${last}.0.18.198.in-addr.arpa`, type: 'PTR', data: 'mail.outside.test' },
    { name: reversedV6(last), type: 'PTR', data: 'mail.outside.test' },
  ]),
];

const configured = async (server: Server): Promise<void> => {
  const { machine } = server;
  const write = ['sh', '-c', 'cat >>/etc/hauspost/hauspost.toml'];
  succeeded(write, await machine.run(write, { input: `\n[resolver]\nforwarders = ["${NAMES.v4}"]\n` }));
  await server.order('apply', '--yes');
  // Unbound itself says that nothing below `test` exists (RFC 6761, section 6.2); in this network it does.
  const reserved = ['unbound-control', 'local_zone_remove', 'test.'];
  succeeded(reserved, await machine.run(reserved));
  await server.order('domain', 'add', 'hauspost.test');
  await server.account(DEMO);
};

/** `records` are further names. */
export const serveAbroad = async (release: Release, records: readonly NameRecord[]): Promise<Server> => {
  await using stack = new AsyncDisposableStack();
  const machine = stack.use(await boot({ image: await servedPublic({ release, init: 'systemd' }) }));
  const lan = stack.use(await network());
  await lan.join(machine, PUBLIC.addresses);
  await allRun(machine);
  stack.use(await nameServer(await lan.host('ns.outside.test', NAMES), NAMES.v4, [...RECORDS, ...records]));
  const sockets = await lan.host('mail.outside.test', OUTSIDE);
  for (const address of [`${MISNAMED.v4}/16`, `${MISNAMED.v6}/64`, `${CLIENT}/16`])
    succeeded(['ip'], await sockets.run(['ip', 'address', 'add', address, 'dev', 'host0', ...(address.includes(':') ? ['nodad'] : [])]));
  const vantage = { sockets, host: PUBLIC.addresses.v4, stranger: OUTSIDE.v4, client: CLIENT, hostname: PUBLIC.hostname };
  const server = await serverOn(machine, DEMO, vantage);
  stack.use(tellOnFailure(machine, DEMO.pass));
  await configured(server);
  const undo = stack.move();
  return {
    ...server,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await undo.disposeAsync();
    },
  };
};
