/**
 * The zones of profile `local`: our own domain, and `outside.test` as a stranger's, so that mail in both directions finds
 * what real mail finds (A, MX, PTR, SPF, DKIM). `.test` is reserved (RFC 6761 6.2) and exists nowhere else.
 */
import { homeDomain } from '#config';
import { lines, type Row } from '#formats';
import type { RenderInput } from '#model';

/** Where strangers of profile `local` connect from. */
export const STRANGER = '127.0.0.9';

/** TXT strings hold 255 octets each (RFC 1035 3.3.14). */
const txt = (value: string): string => (value.match(/.{1,255}/gs) ?? []).map((part) => `"${part}"`).join(' ');

const ours = ({ settings, facts }: RenderInput): readonly string[] => {
  const domain = homeDomain(settings);
  const host = settings.hostname;
  return [
    `${host}. 60 IN A 127.0.0.1`,
    ...(facts.ipv6 ? [`${host}. 60 IN AAAA ::1`] : []),
    `${domain}. 60 IN MX 10 ${host}.`,
    `${domain}. 60 IN TXT ${txt(`v=spf1 a:${host} -all`)}`,
    `_dmarc.${domain}. 60 IN TXT ${txt('v=DMARC1; p=quarantine')}`,
    ...facts.dkimKeys
      .filter((key) => key.domain === domain)
      .map((key) => `${key.selector}._domainkey.${domain}. 60 IN TXT ${txt(`v=DKIM1; k=rsa; p=${key.publicKey}`)}`),
  ];
};

const outside: readonly string[] = [
  `outside.test. 60 IN A ${STRANGER}`,
  `mail.outside.test. 60 IN A ${STRANGER}`,
  'outside.test. 60 IN MX 10 mail.outside.test.',
  `outside.test. 60 IN TXT ${txt(`v=spf1 ip4:${STRANGER} -all`)}`,
];

const reverse = ({ settings }: RenderInput): readonly string[] => [
  `1.0.0.127.in-addr.arpa. 60 IN PTR ${settings.hostname}.`,
  `9.0.0.127.in-addr.arpa. 60 IN PTR mail.outside.test.`,
];

export const localZones = (input: RenderInput): readonly Row[] => {
  const zones = [homeDomain(input.settings), 'outside.test', '127.in-addr.arpa'];
  return [
    {
      set: 'local-zone',
      to: lines(...zones.map((zone) => [`${zone}.`, 'static'] as const)),
      why: 'Our own domain, a stranger, and the names of their addresses.',
    },
    { set: 'local-data', to: lines(...[...ours(input), ...outside, ...reverse(input)]) },
  ];
};
