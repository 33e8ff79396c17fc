/**
 * Port 25, mail from strangers. Everything is judged at RCPT, so that the log names sender and recipient. Only mail for our
 * own domains passes (RFC 5321 3.6.2: no relay), and only for recipients that exist.
 */
import { type Row, type Template, template } from '#formats';
import type { RenderInput } from '#model';
import { accessCheck, ownCheck } from './maps.ts';
import { exceptions } from './screening.ts';
import { socketName } from './sockets.ts';

/**
 * SMTPD_POLICY_README. When Dovecot is down the message is taken and waits in the queue. One question a connection: a session that kept it would keep a
 * process of Dovecot to itself.
 */
const quota = ({ wiring }: RenderInput): Template =>
  template`check_policy_service { ${socketName(wiring, 'quota-status')}, timeout=5s, request_limit=1, default_action=DUNNO }`;

/** Recipients that take no mail (with the reason), or do not exist. */
export const existing: readonly Template[] = [template`check_recipient_access ${accessCheck}`, template`reject_unlisted_recipient`];

/**
 * For every port that takes mail: the same, and recipients that have no room. The access map says OK for an alias, which
 * ends the list of the port: behind these three nothing may stand that an alias is to be asked, too.
 */
export const recipientChecks = (input: RenderInput): readonly Template[] => [...existing, quota(input)];

/** Who connects, and what he calls himself. */
const clients = (input: RenderInput): readonly Row[] => {
  const { client, helo } = exceptions(input);
  return [
    {
      set: 'smtpd_client_restrictions',
      to: [...client, 'reject_unknown_reverse_client_hostname'],
      why: '450 for an address without a name. That the name does not lead back is for the filter to judge.',
    },
    { set: 'smtpd_helo_required', to: true },
    { set: 'smtpd_helo_restrictions', to: [...helo, 'reject_invalid_helo_hostname', 'reject_non_fqdn_helo_hostname'] },
  ];
};

export const restrictions = (input: RenderInput): readonly Row[] => [
  ...clients(input),
  { set: 'smtpd_sender_restrictions', to: ['reject_non_fqdn_sender', 'reject_unknown_sender_domain'] },
  { set: 'unknown_address_reject_code', to: 550, why: 'No such domain. When DNS fails the answer is 450.' },
  {
    set: 'smtpd_relay_restrictions',
    to: ['permit_auth_destination', template`check_recipient_access ${ownCheck}`, 'reject_unauth_destination'],
    why: 'smtpd remembers which recipients are of no domain of ours; the map asks again before they are refused.',
  },
  {
    set: 'smtpd_recipient_restrictions',
    to: ['reject_non_fqdn_recipient', ...recipientChecks(input)],
    why: 'The access map answers OK for aliases alone: what follows is about accounts.',
  },
  { set: 'smtpd_data_restrictions', to: ['reject_unauth_pipelining', 'reject_multi_recipient_bounce'] },
  { set: 'smtpd_sasl_auth_enable', to: false, why: 'Logins are for the submission ports.' },
  { set: 'smtpd_sasl_type', to: 'dovecot' },
  { set: 'smtpd_sasl_path', to: socketName(input.wiring, 'sasl').replace(/^unix:/, '') },
];
