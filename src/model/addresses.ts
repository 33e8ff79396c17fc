/**
 * By which addresses the world reaches this server, and from which it sends. Of each family those of `network.public_addresses` count, where there
 * are any; otherwise what its interfaces have, as far as the mail ports are bound to it and it is no address of a private network. Mail leaves by the
 * one public address that they are bound to, and not by a family that they are not bound to at all.
 */
import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Settings } from '#config';
import type { Facts } from '#machine';

export interface Addresses {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}
type Family = keyof Addresses;

/** Nobody is reached by these from elsewhere: RFC 1918, 6598, 3927, 4193, 4291. What is for documents and benchmarks is not among them: the lab has it. */
const NOT_PUBLIC = new Set(['private', 'carrierGradeNat', 'linkLocal', 'loopback', 'uniqueLocal', 'deprecatedSiteLocal', 'unspecified', 'multicast']);

const isPublic = (address: string): boolean => !NOT_PUBLIC.has(ipaddr.parse(address).range());

/** As RFC 5952 writes it, each once. */
const canonical = (addresses: readonly string[]): readonly string[] => [...new Set(addresses.map((address) => ipaddr.parse(address).toString()))];

const isBound = (bind: readonly string[], address: string): boolean => bind.includes(isIPv4(address) ? '0.0.0.0' : '::') || bind.includes(address);

const split = (addresses: readonly string[]): Addresses => ({
  v4: addresses.filter(isIPv4),
  v6: addresses.filter((address) => !isIPv4(address)),
});

type Network = Pick<Settings, 'profile' | 'network'>;

/** Profile `local` is reached from this machine alone, and there by what it is bound to. */
export const reachedAt = ({ profile, network }: Network, facts: Pick<Facts, 'addresses'>): Addresses => {
  if (profile === 'local') return split(canonical(network.bind));
  const declared = split(canonical(network.publicAddresses));
  const own = (family: Family): readonly string[] =>
    canonical(facts.addresses[family]).filter((address) => isPublic(address) && isBound(canonical(network.bind), address));
  const of = (family: Family): readonly string[] => (declared[family].length > 0 ? declared[family] : own(family));
  return { v4: of('v4'), v6: of('v6') };
};

const isLoopback = (address: string): boolean => ipaddr.parse(address).range() === 'loopback';

/** `any`: whichever the kernel takes. `none`: mail does not leave by this family. */
export type SendsFrom = Readonly<Record<Family, { readonly address: string } | 'any' | 'none'>>;

/**
 * Of several, or of a private one (who is bound to that may be reached through a tunnel, or by his own network alone), nobody knows whether it leads
 * out. A family is left out only where the world reaches this server by the other one, or all mail might wait.
 */
export const sendsFrom = (settings: Network, facts: Pick<Facts, 'addresses'>): SendsFrom => {
  if (settings.profile === 'local') return { v4: 'any', v6: 'any' };
  const reached = reachedAt(settings, facts);
  const bound = split(canonical(settings.network.bind).filter((address) => !isLoopback(address)));
  const of = (family: Family, other: Family): SendsFrom[Family] => {
    if (bound[family].length === 0 && bound[other].length > 0 && reached[other].length > 0) return 'none';
    const [address, ...more] = bound[family].filter(isPublic);
    return address === undefined || more.length > 0 ? 'any' : { address };
  };
  return { v4: of('v4', 'v6'), v6: of('v6', 'v4') };
};

/** Public addresses that mail may leave by, and that nobody is led to. */
export const sendsBeyond = (settings: Network, facts: Pick<Facts, 'addresses'>): Addresses => {
  if (settings.profile === 'local') return { v4: [], v6: [] };
  const [reached, from] = [reachedAt(settings, facts), sendsFrom(settings, facts)];
  const leavingBy = (family: Family): readonly string[] => {
    const way = from[family];
    if (way === 'none') return [];
    return way === 'any' ? canonical(facts.addresses[family]).filter(isPublic) : [way.address];
  };
  const beyond = (family: Family): readonly string[] => leavingBy(family).filter((address) => !reached[family].includes(address));
  return { v4: beyond('v4'), v6: beyond('v6') };
};
