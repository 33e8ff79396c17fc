/** The file that `up` writes once: short, only what somebody has decided. From then on it is the operator's. */
import type { Fqdn, MailAddress } from '#base';
import { written } from './written.ts';

export interface Beginning {
  readonly profile: 'local' | 'public';
  /** Needed in profile `public`. */
  readonly hostname?: Fqdn;
  /** Needed in profile `public`. */
  readonly postmaster?: MailAddress;
}

const HEAD = `# What this mail server is to be like. The file is yours: Hauspost wrote it once and never changes it.
# After a change: hauspost plan (what would happen), then hauspost apply.
# All options:    hauspost config example, hauspost config explain mail.message_size_limit
`;

export const initialConfig = ({ profile, hostname, postmaster }: Beginning): string => {
  const lines = [
    '[server]',
    profile === 'local' ? '# To try it out: reachable from this machine only.' : '# A mail server on the internet.',
    `profile = ${written(profile)}`,
  ];
  if (hostname !== undefined)
    lines.push('# The name of this server. A and AAAA records lead here, PTR leads back.', `hostname = ${written(hostname)}`);
  if (postmaster !== undefined) lines.push('# Who reads what the server has to say.', `postmaster = ${written(postmaster)}`);
  return `${HEAD}\n${lines.join('\n')}\n`;
};
