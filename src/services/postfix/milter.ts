/** Rspamd sees every message, from strangers, logins and local programs. Without it mail waits: nothing passes unfiltered. */
import { type Row, ref } from '#formats';
import type { RenderInput } from '#model';
import { socketName } from './sockets.ts';

export const milter = ({ wiring }: RenderInput): readonly Row[] => [
  { set: 'smtpd_milters', to: socketName(wiring, 'milter') },
  { set: 'non_smtpd_milters', to: ref('smtpd_milters'), why: 'sendmail(1), which local programs use.' },
  { set: 'milter_default_action', to: 'tempfail' },
  { set: 'milter_mail_macros', to: 'i {mail_addr} {client_addr} {client_name} {auth_authen}', why: 'What Rspamd asks for: the login, above all.' },
];
