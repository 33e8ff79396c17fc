/** `domain`, `account`, `alias` for a person. */
import type { OutputOf } from '#operations';
import { columns } from './table.ts';

type Warnings = OutputOf<'alias add'>['warnings'];

const warned = (warnings: Warnings): string => warnings.map(({ message, remedy }) => `warning: ${message}\n         ${remedy}\n`).join('');
const quota = (mb: number | null): string => (mb === null ? 'default' : mb === 0 ? 'unlimited' : `${mb} MB`);

export const domainAdd = ({ domain }: OutputOf<'domain add'>): string => `${domain} added.\n`;
export const domainRemove = ({ domain }: OutputOf<'domain remove'>): string => `${domain} removed.\n`;
export const domainList = (list: OutputOf<'domain list'>): string =>
  list.length === 0
    ? "There is no domain yet; 'hauspost domain add example.org' adds one.\n"
    : `${columns([['DOMAIN', 'ACCOUNTS', 'ALIASES'], ...list.map((each) => [each.domain, String(each.accounts), String(each.aliases)])])}\n`;

export const accountAdd = ({ address, warnings }: OutputOf<'account add'>): string => `${warned(warnings)}${address} added.\n`;
export const accountRemove = ({ address, moved_to: moved, dangling }: OutputOf<'account remove'>): string =>
  [
    `${address} removed${moved === null ? '' : `; its mail is kept in ${moved}`}.`,
    ...dangling.map(({ source, destination }) => `warning: the alias ${source} still leads to ${destination}, where nobody is`),
    '',
  ].join('\n');
export const accountList = (list: OutputOf<'account list'>): string =>
  list.length === 0
    ? 'There is no account yet.\n'
    : `${columns([
        ['ADDRESS', 'QUOTA', 'STATE'],
        ...list.map((each) => [
          each.address,
          quota(each.quota_mb),
          [each.enabled ? 'enabled' : 'disabled', ...(each.send_only ? ['send-only'] : [])].join(', '),
        ]),
      ])}\n`;

export const aliasAdd = ({ source, destinations, warnings }: OutputOf<'alias add'>): string =>
  `${warned(warnings)}${source} leads to ${destinations.map((one) => one.address).join(', ')}.\n`;
export const aliasRemove = ({ source }: OutputOf<'alias remove'>): string => `${source} removed.\n`;
export const aliasList = (list: OutputOf<'alias list'>): string =>
  list.length === 0
    ? 'There is no alias yet.\n'
    : `${columns(list.map((each) => [each.source, '->', each.destinations.map((one) => `${one.address}${one.enabled ? '' : ' (off)'}`).join(', ')]))}\n`;
