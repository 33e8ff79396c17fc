/** The table: all that can be asked of Hauspost, in the order in which help shows it. */
import type { z } from 'zod';
import { add as accountAdd, list as accountList, passwd as accountPasswd, remove as accountRemove, set as accountSet } from './account.ts';
import { add as aliasAdd, list as aliasList, remove as aliasRemove, set as aliasSet } from './alias.ts';
import { apply, generations, plan, rollback } from './apply.ts';
import { lift, list as banList } from './ban.ts';
import { challenge as certChallenge } from './challenge.ts';
import { renew as certRenew, rollover as certRollover, status as certStatus } from './cert.ts';
import { check, example, explain } from './config.ts';
import { add as domainAdd, list as domainList, remove as domainRemove } from './domain.ts';
import { sync as dkimSync } from './dkim.ts';
import { exportKey as dkimExport } from './dkim-export.ts';
import { importKey as dkimImport } from './dkim-import.ts';
import { list as dkimList } from './dkim-list.ts';
import { rotate as dkimRotate } from './dkim-rotate.ts';
import { records as dnsRecords } from './dns.ts';
import { doctor } from './doctor.ts';
import { check as dnsCheck } from './dns-check.ts';
import { push as dnsPush } from './dns-push.ts';
import { down } from './down.ts';
import type { AnyOperation } from './operation.ts';
import { selftest } from './self-test.ts';
import { learn } from './spam.ts';
import { status } from './status.ts';
import { list as tlsPolicyList, remove as tlsPolicyRemove, set as tlsPolicySet } from './tls-policy.ts';
import { up } from './up.ts';
import { upkeep } from './upkeep.ts';

const TABLE = [
  up,
  down,
  status,
  selftest,
  doctor,
  plan,
  apply,
  generations,
  rollback,
  check,
  explain,
  example,
  domainAdd,
  domainList,
  domainRemove,
  dkimList,
  dkimRotate,
  dkimImport,
  dkimExport,
  dkimSync,
  dnsRecords,
  dnsCheck,
  dnsPush,
  certStatus,
  certRenew,
  certRollover,
  certChallenge,
  accountAdd,
  accountSet,
  accountPasswd,
  accountList,
  accountRemove,
  aliasAdd,
  aliasSet,
  aliasList,
  aliasRemove,
  tlsPolicySet,
  tlsPolicyList,
  tlsPolicyRemove,
  learn,
  banList,
  lift,
  upkeep,
] as const;

type Row = (typeof TABLE)[number];
type Whole = Extract<Row, { output: unknown }>;
export type OperationName = Whole['name'];
export type OutputOf<N extends OperationName> = z.output<Extract<Whole, { name: N }>['output']>;

type Long = Extract<Row, { element: unknown }>;
export type ListingName = Long['name'];
export type ElementOf<N extends ListingName> = z.output<Extract<Long, { name: N }>['element']>;

export const OPERATIONS: readonly AnyOperation[] = TABLE;
