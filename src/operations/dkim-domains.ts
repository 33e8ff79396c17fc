/** The domains of the server, as commands on keys need them. */
import { type Domain, parseDomain } from '#base';
import { domains } from '#directory';
import { fitDomains } from './dkim.ts';
import { withDirectory } from './people.ts';

export interface Served {
  readonly all: readonly Domain[];
  /** Throws `domain.unknown`. */
  readonly one: (domain: Domain) => Domain;
}

export const servedDomains = async (): Promise<Served> => {
  const all = fitDomains(await withDirectory(domains.names)).map(parseDomain);
  return {
    all,
    one: (domain) => {
      if (all.includes(domain)) return domain;
      throw domains.unknownDomain(domain, all);
    },
  };
};
