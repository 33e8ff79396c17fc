/** The domain that a server is at home in, as far as its own name and its postmaster tell. */
import { type Domain, type Fqdn, type MailAddress, parseDomain, splitAddress } from '#base';

export const isWithin = (name: string, domain: string): boolean => name === domain || name.endsWith(`.${domain}`);

interface Names {
  readonly hostname: Fqdn;
  readonly postmaster: MailAddress;
}

/** The postmaster's domain, if the server's name lies in it: a postmaster may be anywhere. */
export const ownDomain = ({ hostname, postmaster }: Names): Domain | undefined => {
  const { domain } = splitAddress(postmaster);
  return isWithin(hostname, domain) ? domain : undefined;
};

/** That, or else what the server's name lies in: of `mail.example.org` `example.org`. */
export const homeDomain = (names: Names): Domain => {
  const above = names.hostname.split('.').slice(1);
  return ownDomain(names) ?? (above.length > 1 ? parseDomain(above.join('.')) : names.hostname);
};
