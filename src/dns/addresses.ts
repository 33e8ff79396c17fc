/**
 * By which addresses the world reaches this server, and from which it sends. Of each family those of `network.public_addresses` count, where there
 * are any; otherwise what its interfaces have, as far as the mail ports are bound to it and it is no address of a private network.
 */
import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Settings } from '#config';
import type { Facts } from '#machine';
import type { Addresses } from './facts.ts';

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
  const own = (family: keyof Addresses): readonly string[] =>
    canonical(facts.addresses[family]).filter((address) => isPublic(address) && isBound(canonical(network.bind), address));
  const of = (family: keyof Addresses): readonly string[] => (declared[family].length > 0 ? declared[family] : own(family));
  return { v4: of('v4'), v6: of('v6') };
};

/** Nothing binds what is sent: it leaves by any public address of the machine. Those that nobody is led to are named here. */
export const sendsBeyond = (settings: Network, facts: Pick<Facts, 'addresses'>): Addresses => {
  if (settings.profile === 'local') return { v4: [], v6: [] };
  const reached = reachedAt(settings, facts);
  const beyond = (family: keyof Addresses): readonly string[] =>
    canonical(facts.addresses[family]).filter((address) => isPublic(address) && !reached[family].includes(address));
  return { v4: beyond('v4'), v6: beyond('v6') };
};
