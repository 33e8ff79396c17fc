/**
 * The zones of profile `local`: our own domain, and `outside.test` as a stranger's, so that mail in both directions finds
 * what real mail finds (A, MX, PTR, SPF, DKIM). `.test` is reserved (RFC 6761 6.2) and exists nowhere else.
 */
import { path } from '#base';
import { homeDomain, type Settings } from '#config';
import { absolute, type Block, dkimRecordText, lines, renderZone, type Row } from '#formats';
import type { Facts } from '#machine';
import type { RenderInput } from '#model';

/** Where strangers of profile `local` connect from. */
export const STRANGER = '127.0.0.9';

/** TXT strings hold 255 octets each (RFC 1035 3.3.14). */
const txt = (value: string): string => (value.match(/.{1,255}/gs) ?? []).map((part) => `"${part}"`).join(' ');

type Names = Pick<Settings, 'hostname' | 'postmaster'>;

/** DKIM keys come and go without an apply, and are the same after a rollback: so their records are a zone of their own, in a file that no generation holds. */
export const KEY_ZONE = path('/var/lib/unbound/hauspost-dkim.zone');

export const keyZoneName = (settings: Names): string => `_domainkey.${homeDomain(settings)}`;

/** What that file is to say; `keys` are those of the home domain. That a key is not there is remembered by nobody. */
export const keyZoneText = (settings: Names, keys: Facts['dkimKeys']): string => {
  const zone = keyZoneName(settings);
  const records = keys.map(({ selector, publicKey }) => ({
    name: `${selector}.${zone}`,
    ttl: 60,
    type: 'TXT' as const,
    data: { text: dkimRecordText(publicKey) },
  }));
  return `${absolute(zone)} 60 IN SOA ${absolute(settings.hostname)} ${absolute(`postmaster.${homeDomain(settings)}`)} 1 3600 600 86400 0\n${renderZone(records)}`;
};

export const keyZone = (settings: Names): Block => ({
  block: 'auth-zone',
  why: 'Records of DKIM keys, which come and go.',
  rows: [
    { set: 'name', to: absolute(keyZoneName(settings)) },
    { set: 'zonefile', to: KEY_ZONE },
  ],
});

const ours = ({ settings, facts }: RenderInput): readonly string[] => {
  const domain = homeDomain(settings);
  const host = settings.hostname;
  return [
    `${host}. 60 IN A 127.0.0.1`,
    ...(facts.ipv6 ? [`${host}. 60 IN AAAA ::1`] : []),
    `${domain}. 60 IN MX 10 ${host}.`,
    `${domain}. 60 IN TXT ${txt(`v=spf1 a:${host} -all`)}`,
    `_dmarc.${domain}. 60 IN TXT ${txt('v=DMARC1; p=quarantine')}`,
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
      to: lines(...zones.map((zone) => [`${zone}.`, 'static'] as const), [absolute(keyZoneName(input.settings)), 'transparent']),
      why: 'Our own domain, a stranger, and the names of their addresses.',
    },
    { set: 'local-data', to: lines(...[...ours(input), ...outside, ...reverse(input)]) },
  ];
};
