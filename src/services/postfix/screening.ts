/**
 * Port 25 before smtpd(8): postscreen(8) lets whoever talks before his turn or is on blocklists say from whom to whom he wanted to write,
 * for the log, and refuses it (550). A client that passed is known for a day. This machine's own programs pass at once.
 */
import { type Row, ref, template } from '#formats';
import type { RenderInput } from '#model';

const EVERY = ['0.0.0.0', '::'];

/** Of this machine: loopback, and what the operator wrote down as its addresses. What else it has may change by the hour. */
const own = ({ settings }: RenderInput): readonly string[] => {
  const loopback = ['127.0.0.0/8', '::1'];
  return [...loopback, ...settings.network.bind.filter((address) => ![...EVERY, '::1'].includes(address) && !address.startsWith('127.'))];
};

/** A table within the line (cidr_table(5), since 3.7); none when nothing is in it. */
const table = (networks: readonly string[], action: string): readonly string[] =>
  networks.length === 0 ? [] : [`cidr:{${networks.map((network) => `{${network} ${action}}`).join(', ')}}`];

const unless = (networks: readonly string[]): readonly string[] => table([...new Set(networks)], 'OK').map((map) => `check_client_access ${map}`);

/** Restrictions that end the questions for whom they are not meant: for its address, and for its HELO. */
export const exceptions = (input: RenderInput): { readonly client: readonly string[]; readonly helo: readonly string[] } => {
  const { allow, withoutPtr } = input.settings.incoming;
  return { client: unless([...own(input), ...allow, ...withoutPtr]), helo: unless(allow) };
};

export const screening = (input: RenderInput): readonly Row[] => {
  const { allow, deny, dnsbl, dnsblThreshold } = input.settings.incoming;
  return [
    {
      set: 'postscreen_access_list',
      to: [...table([...own(input), ...allow], 'permit'), ...table(deny, 'reject')],
      why: 'The first that fits counts.',
    },
    { set: 'postscreen_denylist_action', to: 'enforce' },
    { set: 'postscreen_greet_action', to: 'enforce' },
    { set: 'postscreen_dnsbl_action', to: 'enforce' },
    { set: 'postscreen_dnsbl_sites', to: dnsbl },
    { set: 'postscreen_dnsbl_threshold', to: dnsblThreshold },
    { set: 'postscreen_dnsbl_allowlist_threshold', to: -2, why: 'Whom a list speaks for need not wait for the greeting.' },
    {
      set: 'postscreen_dnsbl_reply_map',
      to: 'regexp:{{/^[a-z0-9]{20,}\\.(.+)$/ $1}}',
      why: 'The key of a customer in the name of a list is not shown to those who are refused.',
    },
    {
      set: 'postscreen_cache_map',
      to: template`proxy:lmdb:${ref('data_directory')}/postscreen_cache`,
      why: 'By proxy, since there is a postscreen for each address.',
    },
  ];
};
