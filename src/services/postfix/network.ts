/**
 * Who this host is, and that no address of it is special: nothing is delivered to Unix accounts, and no client is trusted
 * for where it connects from. Listeners are bound one by one in master.cf (see services.ts).
 */
import { ref, type Row } from '#formats';
import type { RenderInput } from '#model';

export const network = ({ settings, facts }: RenderInput): readonly Row[] => [
  { set: 'compatibility_level', to: '3.6', until: '3.10', why: 'The defaults of this release, without those of older ones.' },
  { set: 'compatibility_level', to: '3.10', from: '3.10', why: 'The defaults of this release, without those of older ones.' },
  { set: 'myhostname', to: settings.hostname },
  { set: 'myorigin', to: ref('myhostname'), why: 'What local programs send without a domain is from this host.' },
  { set: 'mydestination', to: '', why: 'All mailboxes are in the database; a Unix account has none.' },
  { set: 'local_recipient_maps', to: '' },
  { set: 'alias_maps', to: '' },
  { set: 'alias_database', to: '', why: 'newaliases(1), which package scripts call, then has nothing to do.' },
  { set: 'local_transport', to: 'error:5.1.1 no mailbox here', why: 'user@[127.0.0.1] and the like are this host, too, and are refused at RCPT.' },
  { set: 'mynetworks', to: '', why: 'On TCP, loopback is a stranger like any other.' },
  { set: 'inet_interfaces', to: 'all', why: 'Which addresses count as this host; what is listened on stands in master.cf.' },
  ...(settings.network.publicAddresses.length === 0
    ? []
    : [
        { set: 'proxy_interfaces', to: settings.network.publicAddresses, why: 'This host, too: mail that an MX record sends there would come back.' },
      ]),
  { set: 'inet_protocols', to: facts.ipv6 ? 'all' : 'ipv4' },
  {
    set: 'cyrus_sasl_config_path',
    to: '/etc/postfix/sasl',
    from: '3.10',
    why: 'Unused (SASL is by Dovecot); the package sets it at an upgrade, and this line keeps that from being a change.',
  },
  { set: 'biff', to: false },
];
