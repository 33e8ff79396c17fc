/** Networks of the configuration in SQL. */
import ipaddr from 'ipaddr.js';

const hex = (octets: readonly number[]): string => `x'${Buffer.from(octets).toString('hex')}'`;

/** First and last address of `192.0.2.0/24`, or of a single address. */
const range = (network: string): { readonly first: readonly number[]; readonly last: readonly number[] } => {
  const [address = '', prefix] = network.split('/');
  const first = ipaddr.parse(address).toByteArray();
  const bits = prefix === undefined ? first.length * 8 : Number(prefix);
  const last = first.map((octet, index) => octet | (0xff >> Math.min(8, Math.max(0, bits - index * 8))));
  return { first, last };
};

/** A condition: the address that the SQL expression `address` says is in one of the networks. Octets compare in order only where there are as many. */
export const isWithin = (address: string, networks: readonly string[]): string => {
  const octets = `INET6_ATON(${address})`;
  const conditions = networks.map((network) => {
    const { first, last } = range(network);
    return `(LENGTH(${octets}) = ${first.length} AND ${octets} BETWEEN ${hex(first)} AND ${hex(last)})`;
  });
  return conditions.length === 0 ? 'FALSE' : `(${conditions.join(' OR ')})`;
};
