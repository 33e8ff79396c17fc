/** The records that lead from an address back to the server. They stand in a zone of whoever gave the address, who has to be asked for them. */
import ipaddr from 'ipaddr.js';
import type { Addresses } from '#model';
import type { DnsFacts } from './facts.ts';

export interface Reverse {
  readonly address: string;
  readonly type: 'PTR';
  readonly name: string;
  readonly data: { readonly target: string };
  readonly why: string;
}

const hexadecimal = (octets: readonly number[]): readonly string[] => octets.flatMap((octet) => [...octet.toString(16).padStart(2, '0')]);

/** Octets, or of IPv6 hexadecimal digits, the last one first: as reverse zones and blocklists have them. */
export const reversed = (address: string): string => {
  const parsed = ipaddr.parse(address);
  const octets = parsed.toByteArray();
  return (parsed.kind() === 'ipv4' ? octets.map(String) : hexadecimal(octets)).toReversed().join('.');
};

/** RFC 1035 section 3.5, RFC 3596 section 2.5. */
export const reverseName = (address: string): string =>
  `${reversed(address)}.${ipaddr.parse(address).kind() === 'ipv4' ? 'in-addr.arpa' : 'ip6.arpa'}`;

const all = ({ v4, v6 }: Addresses): readonly string[] => [...v4, ...v6];

/** Every machine has these itself. */
const isLoopback = (address: string): boolean => ipaddr.parse(address).range() === 'loopback';

const WHY = 'servers turn mail away from an address without a name, or whose name does not lead back to it';

export const reverseRecords = ({ hostname, reached, sending }: Pick<DnsFacts, 'hostname' | 'reached' | 'sending'>): readonly Reverse[] =>
  [...all(reached), ...all(sending)]
    .filter((address) => !isLoopback(address))
    .map((address) => ({ address, type: 'PTR', name: reverseName(address), data: { target: hostname }, why: WHY }));
