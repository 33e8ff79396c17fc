/**
 * DMARC (RFC 9989, which replaces RFC 7489; `pct` is gone with it, ADSP long before): what receivers shall do with mail in the domain's name that
 * neither SPF nor DKIM vouches for. `p=none` asks them for nothing but reports: whether anything else sends in the domain's name, a shop or a
 * newsletter, nobody knows here before these are read. `np=reject` is safe from the first day: from a name that does not exist nobody sends.
 */
import type { DnsFacts } from './facts.ts';
import type { Wanted } from './record.ts';

const ASKED: Readonly<Record<DnsFacts['dmarc'], string>> = {
  none: 'refuse what comes from names below it that do not exist. When the reports show your own mail alone: dmarc = "quarantine" below [dns], then "reject"',
  quarantine: 'put what fails into the spam folder, refuse what comes from names below it that do not exist',
  reject: 'refuse what fails, and what comes from names below it that do not exist',
};

/** postmaster is an address of every domain here; at another domain its consent would have to be published there (RFC 9990). */
export const dmarcRecord = ({ dmarc }: Pick<DnsFacts, 'dmarc'>, domain: string): Wanted => ({
  name: `_dmarc.${domain}`,
  type: 'TXT',
  data: { text: `v=DMARC1; p=${dmarc}; np=reject; rua=mailto:postmaster@${domain}` },
  why: `DMARC: reports of mail in this name; ${ASKED[dmarc]}`,
});
