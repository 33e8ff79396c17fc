/** Where the load comes from: ten well-kept senders, two others who are not to get through whatever the hour, and the people whom they write to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { addressesOf, addressLines, domainLines, type ForeignHost, type Internet, type Ours, senderLines } from '../internet/index.ts';
import type { Login } from '../mail.ts';
import type { Addresses } from '../network.ts';

/** `mail.NAME.example`, at addresses of the street. */
export interface Sender {
  readonly name: string;
  readonly addresses: Addresses;
}

export interface LoadPlace {
  readonly server: Ours;
  /** Has the addresses of all senders. */
  readonly street: ForeignHost;
  readonly people: readonly Login[];
  /** Has room for SMALL_OCTETS. */
  readonly small: Login;
}

/** IPv6 of another network for each, as senders in the world have: Postfix 3.10 counts a /84 as one client. */
const senderAt = (name: string, number: number): Sender => ({
  name,
  addresses: { v4: addressesOf(400 + number).v4, v6: `2001:2::${(number + 1).toString(16)}:0:0:1` },
});

export const CROWD: readonly Sender[] = Array.from({ length: 10 }, (_, number) => senderAt(`crowd-${number}`, number));
/** Well kept; what it brings is not. */
export const SPAMMER = senderAt('spammer', CROWD.length);
/** Its addresses have no name. */
export const NAMELESS = senderAt('nameless', CROWD.length + 1);

const PEOPLE = 10;
export const SMALL_OCTETS = 2 ** 20;

export const loadPlace = async (net: Internet, server: Ours): Promise<LoadPlace> => {
  const street = await net.host('street.example');
  await street.also(...[...CROWD, SPAMMER, NAMELESS].map(({ addresses }) => addresses));
  await net.names.add(
    ...[...CROWD, SPAMMER].flatMap(({ name, addresses }) => senderLines(name, addresses)),
    ...addressLines(`mail.${NAMELESS.name}.example.`, NAMELESS.addresses),
    ...domainLines(NAMELESS.name),
  );
  const { domain } = server.identity;
  const people = Array.from({ length: PEOPLE }, (_, number) => ({ user: `reader-${number}@${domain}`, pass: `password-of-reader-${number}` }));
  for (const login of people) await server.account(login);
  const small = { user: `small@${domain}`, pass: 'password-of-small' };
  await server.account(small, '--quota', '1M');
  return { server, street, people, small };
};

/** Until then, or until it is over. */
export const pause = (ms: number, over: AbortSignal): Promise<void> => sleep(Math.max(0, ms), undefined, { signal: over }).catch(() => undefined);
