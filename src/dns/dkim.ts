/** Public keys of DKIM (RFC 6376, section 3.6.1): every one that somebody may have to verify with, now or soon. */
import { dkimRecordText } from '#formats';
import type { DkimKey, MailDomain } from './facts.ts';
import type { Wanted } from './record.ts';

const WHY = {
  pending: 'DKIM: the next key; it signs when every server of the zone has shown it for long enough',
  active: 'DKIM: the key by which others verify the signature of what this domain sends',
  retiring: 'DKIM: the last key; what it signed is still under way',
};

const record = (domain: string, { selector, publicKey, state }: DkimKey): Wanted => ({
  name: `${selector}._domainkey.${domain}`,
  type: 'TXT',
  data: { text: dkimRecordText(publicKey) },
  why: WHY[state],
});

export const dkimRecords = ({ domain, dkim }: MailDomain): readonly Wanted[] => dkim.map((key) => record(domain, key));
