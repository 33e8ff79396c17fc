/**
 * DMARC (RFC 9989, which replaces RFC 7489; `pct` is gone with it, ADSP long before): what receivers shall do with mail in the domain's name that
 * neither SPF nor DKIM vouches for. `p=none` asks them for nothing but reports: whether anything else sends in the domain's name, a shop or a
 * newsletter, nobody knows here before these are read. `np=reject` is safe from the first day: from a name that does not exist nobody sends.
 */
import type { Wanted } from './record.ts';

/** postmaster is an address of every domain here; at another domain its consent would have to be published there (RFC 9990). */
export const dmarcRecord = (domain: string): Wanted => ({
  name: `_dmarc.${domain}`,
  type: 'TXT',
  data: { text: `v=DMARC1; p=none; np=reject; rua=mailto:postmaster@${domain}` },
  why: 'DMARC: reports of mail in this name; refuse what comes from names below it that do not exist. When the reports show your own mail alone: p=quarantine, then p=reject',
});
