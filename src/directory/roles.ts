/**
 * Names that take mail though nobody has them: mail for them goes to the postmaster. Trusts that what it is asked about is no account and no enabled alias,
 * which win over it.
 */
import { type Fqdn, type MailAddress, splitAddress } from '#base';
import { base, same } from './address.ts';

/** Those whom other servers write to about a domain (RFC 2142; RFC 5321, section 4.5.1). */
export const ROLES = ['postmaster', 'abuse', 'hostmaster'];
/** Of the host itself, which local programs use as well. */
export const HOST_ROLES = [...ROLES, 'root', 'mailer-daemon'];

/** Whom role names lead to. Neither of the two brands holds a quote or a `%`. */
export interface Responsible {
  readonly postmaster: MailAddress;
  readonly hostname: Fqdn;
}

/** SQL: the local part is one of them. */
export const oneOf = (local: string, names: readonly string[]): string => `${local} IN (${names.map((name) => `'${name}'`).join(', ')})`;

/** SQL, of a local part without tag: a role name, if the domain is ours or the host's. The postmaster's own address is none: it would lead to itself. */
export const isRoleIn = (local: string, domain: string, { postmaster, hostname }: Responsible): string => {
  const own = splitAddress(postmaster);
  return `(${oneOf(local, ROLES)} OR (${oneOf(local, HOST_ROLES)} AND ${domain} = '${hostname}')) AND NOT (${local} = '${own.local}' AND ${domain} = '${own.domain}')`;
};

/** The same of an address in hand, with or without tag. */
export const isRole = (local: string, domain: string, { postmaster, hostname }: Responsible): boolean => {
  const name = base(local).toLowerCase();
  return (same(domain, hostname) ? HOST_ROLES : ROLES).includes(name) && !same(`${name}@${domain}`, postmaster);
};
