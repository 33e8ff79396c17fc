/** What the lookups, lists and hints read where there are 100,000 accounts and 300,000 aliases. */
import assert from 'node:assert/strict';
import { parseDomain as domain, parseFqdn, parseMailAddress as address } from '#base';
import * as accounts from './accounts.ts';
import * as aliases from './aliases.ts';
import type { Directory } from './connect.ts';
import type { Database } from './database.lab.ts';
import { lookups } from './lookups.ts';

const BIG = `USE vmail; INSERT INTO domains (domain) VALUES ('big.test'), ('rest.test'), ('crowd.test');
INSERT INTO domains (domain) SELECT CONCAT('d', seq, '.test') FROM seq_1_to_1000;
INSERT INTO accounts (username, domain, password, enabled) SELECT CONCAT('u', seq), CONCAT('d', 1 + seq % 1000, '.test'), 'x', 1 FROM seq_1_to_100000;
INSERT INTO accounts (username, domain, password, enabled) SELECT CONCAT('p', seq), 'crowd.test', 'x', 1 FROM seq_1_to_20000;
INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled)
  SELECT CONCAT('a', seq DIV 2), CONCAT('d', 1 + (seq DIV 2) % 1000, '.test'), CONCAT('u', seq % 100000 + 1), CONCAT('d', 1 + (seq % 100000 + 1) % 1000, '.test'), 1 FROM seq_1_to_299999;
INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled)
  SELECT CONCAT('c', seq), 'big.test', CONCAT('c', seq + 1), 'big.test', 1 FROM seq_1_to_9;
INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled) VALUES ('c10', 'big.test', 'u1', 'd2.test', 1), (NULL, 'rest.test', 'c1', 'big.test', 1);
ANALYZE TABLE domains, accounts, aliases;`;

const at = (key: string): { local: string; domain: string; address: string; service: string; seen: string } => {
  const [local = '', domain = ''] = key.split('@');
  return { local, domain, address: key, service: 'smtp', seen: '' };
};

const RESPONSIBLE = { postmaster: address('anna@one.test'), hostname: parseFqdn('mail.one.test') };
const LARGE: Readonly<Record<string, string>> = {
  domains: lookups.domains({ address: 'd7.test' }),
  recipients: lookups.recipients(at('u3@d4.test')),
  'alias gate': lookups.aliasGate({ address: 'u3@d4.test' }),
  alias: lookups.aliases({ address: 'a7@d8.test' }, RESPONSIBLE),
  'no alias': lookups.aliases({ address: 'u3@d4.test' }, RESPONSIBLE),
  'chain of ten': lookups.aliases({ address: 'c1@big.test' }, RESPONSIBLE),
  'catch-all': lookups.aliases({ address: '@rest.test' }, RESPONSIBLE),
  'role gate': lookups.roleGate(at('abuse@d4.test'), RESPONSIBLE),
  roles: lookups.roles(RESPONSIBLE),
  'stranded postmaster': lookups.strandedPostmaster(RESPONSIBLE, 'retry:4.3.5 x'),
  'recipient gate': lookups.recipientGate(at('u3@d4.test')),
  'recipient access': lookups.recipientAccess(at('c1@big.test'), RESPONSIBLE),
  'send-only': lookups.sendOnly(at('c1@big.test'), RESPONSIBLE),
  senders: lookups.senders(at('c1@big.test')),
  'login access': lookups.loginAccess(at('u3@d4.test')),
  login: lookups.login(at('u3@d4.test')),
  mailbox: lookups.mailbox(at('u3@d4.test'), '/var/vmail', 'rule'),
  'mailbox of a login': lookups.mailbox({ ...at('u3@d4.test'), seen: 'another' }, '/var/vmail', 'rule'),
};

/** How many rows the server touched to answer. */
const touchedBy = async (directory: Directory, work: () => Promise<unknown>): Promise<number> => {
  await directory.define('FLUSH LOCAL STATUS');
  await work();
  const [row] = await directory.rows(
    "SELECT CAST(SUM(VARIABLE_VALUE) AS SIGNED) AS touched FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME LIKE 'Handler\\_read%'",
  );
  return Number(row?.['touched']);
};

/** In a database that has `late@two.test` and nobody else. */
export const size = async ({ directory, sql }: Database): Promise<void> => {
  await sql(BIG);
  for (const [what, question] of Object.entries(LARGE)) {
    const rows = await touchedBy(directory, () => directory.define(question));
    assert.ok(rows > 0 && rows < 1000, `${what}: ${rows} rows touched`);
  }
  const into = await touchedBy(directory, () => aliases.leadingNowhere(directory, 4, RESPONSIBLE, domain('d9.test')));
  assert.ok(into > 0 && into < 5000, `aliases into one domain: ${into} rows touched`);
  let [count, last] = [0, ''];
  for await (const { address: name } of accounts.list(directory)) {
    count++;
    last = name;
  }
  assert.deepEqual([count, last], [120_001, 'late@two.test']);
  const begun = performance.now();
  await assert.rejects(accounts.get(directory, address('p1999x@crowd.test')), /; is p1999\d?@crowd\.test meant\?$/);
  console.log(`    the near one of 20,000 in a domain: ${(performance.now() - begun).toFixed(0)} ms`);
};
