/**
 * What is verified about a sender (SPF, DKIM, DMARC, ARC) and how it is told: `Authentication-Results` (RFC 8601), ours only.
 * Loopback clients are verified like any other, since a machine of profile `local` knows no others.
 */
import type { ConfFile } from './conf-file.ts';

const verified = (name: string, ...rows: ConfFile['rows']): ConfFile => ({
  name: `${name}.conf`,
  section: [name],
  rows: [{ set: 'check_local', to: true }, ...rows],
});

const never = (set: string) => ({ set, to: false });

export const authentication: readonly ConfFile[] = [
  verified('spf'),
  verified('dkim'),
  verified('dmarc', {
    block: 'actions',
    rows: [
      { set: 'quarantine', to: 'add header', why: "Marked at least: that is what the domain's owner asks for (RFC 9989)." },
      { set: 'reject', to: 'add header', why: 'Not refused: a list that changes what it passes on fails, too.' },
    ],
  }),
  verified(
    'arc',
    { ...never('sign_inbound'), why: 'Verified, never sealed: sealing is broken in 3.4 and puts its headers in random order in 3.12.' },
    never('sign_local'),
    never('sign_authenticated'),
  ),
  {
    name: 'milter_headers.conf',
    section: ['milter_headers'],
    rows: [
      { set: 'use', to: ['authentication-results'] },
      { set: 'skip_local', to: false },
      { set: 'skip_authenticated', to: true, why: "Who logged in is nobody's business outside." },
      { set: 'remove_upstream_spam_flag', to: true, why: 'X-Spam says what we found, not what a sender claims.' },
    ],
  },
];
