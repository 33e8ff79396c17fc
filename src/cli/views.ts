/** Which text shows which result. Every operation of the table has one: the type says so. */
import { type HauspostError, readable } from '#base';
import type { ElementOf, ListingName, OperationName, OutputOf } from '#operations';
import * as cert from './views/cert.ts';
import * as changes from './views/changes.ts';
import * as config from './views/config.ts';
import * as directory from './views/directory.ts';
import * as dkim from './views/dkim.ts';
import * as dns from './views/dns.ts';
import * as dnsCheck from './views/dns-check.ts';
import * as server from './views/server.ts';
import { type ListView, lines } from './views/table.ts';

const VIEWS: { readonly [N in OperationName]: (output: OutputOf<N>) => string } = {
  up: server.up,
  down: server.down,
  plan: changes.plan,
  apply: changes.apply,
  generations: changes.generations,
  rollback: changes.rollback,
  status: server.status,
  selftest: server.selftest,
  doctor: server.doctor,
  'config check': config.check,
  'config explain': config.explain,
  'config example': config.example,
  'domain add': directory.domainAdd,
  'domain remove': directory.domainRemove,
  'dkim list': dkim.dkimList,
  'dkim rotate': dkim.dkimRotate,
  'dkim import': dkim.dkimImport,
  'dkim export': dkim.dkimExport,
  'dkim sync': directory.dkimSync,
  'dns records': dns.dnsRecords,
  'dns check': dnsCheck.dnsCheck,
  'dns push': dns.dnsPush,
  'cert status': cert.certStatus,
  'cert renew': cert.certRenew,
  'cert rollover': cert.certRollover,
  'cert challenge': cert.certChallenge,
  'account add': directory.accountAdd,
  'account set': directory.accountSet,
  'account passwd': directory.accountPasswd,
  'account remove': directory.accountRemove,
  'alias add': directory.aliasAdd,
  'alias set': directory.aliasSet,
  'alias remove': directory.aliasRemove,
  'tls-policy set': directory.tlsPolicySet,
  'tls-policy remove': directory.tlsPolicyRemove,
  'spam learn': server.spamLearn,
  'ban list': directory.banList,
  'ban lift': directory.banLift,
  upkeep: server.upkeep,
};

const LISTS: { readonly [N in ListingName]: ListView<ElementOf<N>> } = {
  'domain list': directory.domainList,
  'account list': directory.accountList,
  'alias list': directory.aliasList,
  'tls-policy list': directory.tlsPolicyList,
};

/** The table is typed row by row; a caller that holds any row says its name and what it returned. */
export const asText = (name: string, output: unknown): string =>
  (VIEWS as Readonly<Record<string, (output: unknown) => string>>)[name]?.(output) ?? '';

/** The same for a list, line by line. */
export const asLines = (name: string, elements: AsyncIterable<unknown>): AsyncIterable<string> =>
  lines((LISTS as Readonly<Record<string, ListView<unknown>>>)[name] ?? { none: '', cells: () => [] }, elements);

/** What is wrong and what to do; of a configuration all that is wrong. */
export const asErrorText = (error: HauspostError): string =>
  error.code === 'config.invalid' ? config.problems(error) : readable(`hauspost: ${error.message}\n  ${error.remedy}\n`);
