/** `domain`, `account`, `alias`, `tls-policy`, `ban` for a person: names in other scripts as they are read; in JSON they stay A-labels (RFC 5890). */
import { readable } from '#base';
import { shellLine } from '#formats';
import type { ElementOf, OutputOf } from '#operations';
import { columns, type ListView } from './table.ts';

const quota = (mb: number | null): string => (mb === null ? 'default' : mb === 0 ? 'unlimited' : `${mb} MB`);
const used = (mb: number): string => (mb < 1 ? `${Math.round(mb * 1024)} KB` : `${Math.round(mb * 100) / 100} MB`);
const kept = (folder: string | null): string => (folder === null ? '' : `; its mail is kept in ${folder}`);

export const domainAdd = ({ domain }: OutputOf<'domain add'>): string => {
  const name = readable(domain);
  return `${name} added. 'hauspost account add NAME@${name}' lets somebody have mail there, 'hauspost dns records ${name}' shows what to publish.\n`;
};
export const domainRemove = ({ domain, moved_to: moved }: OutputOf<'domain remove'>): string =>
  `${readable(domain)} removed${kept(moved)}. Its DKIM keys stay, in case it comes back: 'hauspost dkim list' says how to remove them.\n`;
export const dkimSync = ({ made }: OutputOf<'dkim sync'>): string =>
  made.length === 0 ? 'Every domain has its DKIM key.\n' : `DKIM key made for ${made.map(readable).join(', ')}.\n`;
export const domainList: ListView<ElementOf<'domain list'>> = {
  none: "There is no domain yet; 'hauspost domain add example.org' adds one.",
  head: () => ['DOMAIN', 'ACCOUNTS', 'ALIASES'],
  cells: ({ domain, accounts, aliases }) => [readable(domain), String(accounts), String(aliases)],
};

/** Whoever types the name as people read it is refused: mail programs do not translate it. */
const userName = (address: string): string => (readable(address) === address ? '' : ` The user name in mail programs is ${address}.`);

export const accountAdd = ({ address }: OutputOf<'account add'>): string => `${readable(address)} added.${userName(address)}\n`;
const state = (each: { readonly enabled: boolean; readonly send_only: boolean }): string =>
  [each.enabled ? 'enabled' : 'disabled', ...(each.send_only ? ['send-only'] : [])].join(', ');

export const accountSet = (each: OutputOf<'account set'>): string =>
  `${readable(each.address)} is now: quota ${quota(each.quota_mb)}, ${state(each)}.\n`;
export const accountPasswd = ({ address }: OutputOf<'account passwd'>): string => `${readable(address)} has another password.${userName(address)}\n`;
export const accountRemove = ({ address, moved_to: moved }: OutputOf<'account remove'>): string => `${readable(address)} removed${kept(moved)}.\n`;
export const accountList: ListView<ElementOf<'account list'>> = {
  none: "There is no account yet; 'hauspost account add user@example.org' adds one.",
  head: ({ used_mb: mb }) => ['ADDRESS', ...(mb === undefined ? [] : ['USED']), 'QUOTA', 'STATE'],
  cells: ({ used_mb: mb, ...each }) => [...[readable(each.address), ...(mb === undefined ? [] : [used(mb)])], ...[quota(each.quota_mb), state(each)]],
};

type Destinations = OutputOf<'alias add'>['destinations'];

const leads = (destinations: Destinations): string => destinations.map((one) => `${readable(one.address)}${one.enabled ? '' : ' (off)'}`).join(', ');

export const aliasAdd = ({ source, destinations }: OutputOf<'alias add'>): string => `${readable(source)} leads to ${leads(destinations)}.\n`;
export const aliasSet = ({ source, destinations }: OutputOf<'alias set'>): string => `${readable(source)} leads to ${leads(destinations)}.\n`;
export const aliasRemove = ({ source, destinations, removed }: OutputOf<'alias remove'>): string =>
  destinations.length === 0
    ? `The alias ${readable(source)} is removed.\n`
    : `${readable(source)} leads no longer to ${leads(removed)}, but to ${leads(destinations)}.\n`;
export const aliasList: ListView<ElementOf<'alias list'>> = {
  none: "There is no alias yet; 'hauspost alias add info@example.org user@example.org' adds one.",
  cells: ({ source, destinations }) => [readable(source), '->', leads(destinations)],
};

const at = (iso: string): string => iso.slice(0, 19).replace('T', ' ');

type Ban = OutputOf<'ban list'>[number];

/** As `ban lift` takes it, behind a shell's back: whoever guesses chooses names. */
const banned = ({ who, failures, until }: Ban): readonly string[] => [shellLine([readable(who)]), String(failures), at(until)];

const ELSEWHERE = 'Who was logged in to an account within 30 days still gets in from there.';

export const banList = (list: readonly Ban[]): string =>
  list.length === 0
    ? 'Nobody is refused for wrong passwords.\n'
    : [
        columns([['REFUSED', 'WRONG PASSWORDS', 'UNTIL (UTC)'], ...list.map(banned)]),
        ...(list.some(({ kind }) => kind === 'account') ? [ELSEWHERE] : []),
        "'hauspost ban lift' with what stands on the left ends one at once.",
        '',
      ].join('\n');
export const banLift = ({ who, forgotten }: OutputOf<'ban lift'>): string =>
  `${readable(who)} may try again; ${forgotten} wrong password${forgotten === 1 ? ' is' : 's are'} forgotten.\n`;

type TlsPolicy = OutputOf<'tls-policy remove'>;

/** MariaDB writes '' for a word that the column does not know. */
const says = ({ policy, params }: TlsPolicy): string => `${policy === '' ? '""' : policy}${params === null ? '' : ` ${params}`}`;

export const tlsPolicySet = (each: OutputOf<'tls-policy set'>): string => `Mail for ${readable(each.domain)} goes out with policy ${says(each)}.\n`;
export const tlsPolicyRemove = ({ domain }: TlsPolicy): string => `Mail for ${readable(domain)} has no policy of its own any more.\n`;
export const tlsPolicyList: ListView<ElementOf<'tls-policy list'>> = {
  none: "No domain has a policy of its own; 'hauspost tls-policy set example.org encrypt' sets one.",
  cells: (each) => [readable(each.domain), says(each)],
};
