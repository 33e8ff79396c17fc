/**
 * Who this host is, and that no address of it is special: nothing is delivered to Unix accounts, and no client is trusted
 * for where it connects from. Listeners are bound one by one in master.cf (see services.ts); what is sent, here.
 */
import { isIPv4 } from 'node:net';
import { ref, type Row } from '#formats';
import { type RenderInput, sendsFrom, type SendsFrom } from '#model';

type Protocols = 'all' | 'ipv4' | 'ipv6';

const there = ({ facts }: RenderInput): Protocols => (facts.ipv6 ? 'all' : 'ipv4');

/** Of an address whose family is not among its protocols smtp(8) dies when it looks whether it is itself among a domain's servers (own_inet_addr.c). */
const proxies = ({ settings }: RenderInput, protocols: Protocols): readonly string[] =>
  settings.network.publicAddresses.filter((address) => protocols === 'all' || isIPv4(address) === (protocols === 'ipv4'));

/** For smtp(8) alone: listeners may be on loopback, in either family. */
export const clientNetwork = (input: RenderInput): readonly Row[] => {
  const { v4, v6 } = sendsFrom(input.settings, input.facts);
  const protocols = v4 === 'none' ? 'ipv6' : v6 === 'none' ? 'ipv4' : 'all';
  if (protocols === 'all' || protocols === there(input)) return [];
  const [all, left] = [proxies(input, there(input)), proxies(input, protocols)];
  return [
    {
      set: 'inet_protocols',
      to: protocols,
      why: 'The mail ports are bound to no address of the other family, and mail does not leave by it either.',
    },
    ...(left.length === all.length ? [] : [{ set: 'proxy_interfaces', to: left }]),
  ];
};

const sending = ({ v4, v6 }: SendsFrom): readonly Row[] => [
  ...(typeof v4 === 'string' ? [] : [{ set: 'smtp_bind_address', to: v4.address, why: 'What is sent comes from where the mail ports are.' }]),
  ...(typeof v6 === 'string' ? [] : [{ set: 'smtp_bind_address6', to: v6.address }]),
];

export const network = (input: RenderInput): readonly Row[] => [
  { set: 'compatibility_level', to: '3.6', until: '3.10', why: 'The defaults of this release, without those of older ones.' },
  { set: 'compatibility_level', to: '3.10', from: '3.10', why: 'The defaults of this release, without those of older ones.' },
  { set: 'myhostname', to: input.settings.hostname },
  { set: 'myorigin', to: ref('myhostname'), why: 'What local programs send without a domain is from this host.' },
  { set: 'mydestination', to: '', why: 'All mailboxes are in the database; a Unix account has none.' },
  { set: 'local_recipient_maps', to: '' },
  { set: 'alias_maps', to: '' },
  { set: 'alias_database', to: '', why: 'newaliases(1), which package scripts call, then has nothing to do.' },
  { set: 'local_transport', to: 'error:5.1.1 no mailbox here', why: 'user@[127.0.0.1] and the like are this host, too, and are refused at RCPT.' },
  { set: 'mynetworks', to: '', why: 'On TCP, loopback is a stranger like any other.' },
  { set: 'inet_interfaces', to: 'all', why: 'Which addresses count as this host; what is listened on stands in master.cf.' },
  ...(proxies(input, there(input)).length === 0
    ? []
    : [
        {
          set: 'proxy_interfaces',
          to: proxies(input, there(input)),
          why: 'This host, too: mail that an MX record sends there would come back.',
        },
      ]),
  { set: 'inet_protocols', to: there(input) },
  ...sending(sendsFrom(input.settings, input.facts)),
  {
    set: 'cyrus_sasl_config_path',
    to: '/etc/postfix/sasl',
    from: '3.10',
    why: 'Unused (SASL is by Dovecot); the package sets it at an upgrade, and this line keeps that from being a change.',
  },
  { set: 'biff', to: false },
];
