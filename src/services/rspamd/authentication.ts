/**
 * What is verified about a sender (SPF, DKIM, DMARC, ARC) and how it is told: `Authentication-Results` (RFC 8601), ours only.
 * Of loopback clients in profile `local` alone, which knows no others. Elsewhere they are the machine's own programs and the self-test, whose
 * address is in no SPF record and whose mail nobody has signed: by what we advise to publish they would be forgeries.
 */
import type { RenderInput } from '#model';
import type { ConfFile } from './conf-file.ts';

const never = (set: string) => ({ set, to: false });

export const authentication = ({ settings: { profile } }: RenderInput): readonly ConfFile[] => {
  const verified = (name: string, ...rows: ConfFile['rows']): ConfFile => ({
    name: `${name}.conf`,
    section: [name],
    rows: [{ set: 'check_local', to: profile === 'local' }, ...rows],
  });
  return [
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
        { set: 'use', to: ['authentication-results', 'remove-headers'] },
        { set: 'skip_local', to: false },
        { set: 'skip_authenticated', to: true, why: "Who logged in is nobody's business outside." },
        { set: 'authenticated_headers', to: ['remove-headers'], why: 'The first, left out for logins, would leave in what they wrote themselves.' },
        {
          block: 'routines',
          rows: [{ block: 'remove-headers', rows: [{ block: 'headers', rows: [{ set: 'Authentication-Results', to: 0, why: 'All of them.' }] }] }],
        },
        { set: 'remove_upstream_spam_flag', to: true, why: 'X-Spam says what we found, not what a sender claims.' },
      ],
    },
  ];
};
