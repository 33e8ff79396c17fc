/** Databases with many people in them, by plain SQL: everybody receives, has the password `secret`, and three aliases. */
import { succeeded } from './process.ts';
import type { Inside } from './enter.ts';

export interface Crowd {
  readonly domain: string;
  readonly accounts: number;
}

/** Names are `user0000001@DOMAIN` and so on, so that rows come in the order of the indexes. */
export const nameOf = (number: number, domain: string): string => `user${String(number).padStart(7, '0')}@${domain}`;

const ACCOUNTS = `INSERT INTO accounts (username, domain, password, quota, enabled, sendonly)
  SELECT CONCAT('user', LPAD(seq, 7, '0')), DOMAIN, '{PLAIN}secret', 0, 1, 0 FROM seq_1_to_NUMBER`;
const ALIASES = `INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled)
  SELECT CONCAT(WORD, LPAD(seq, 7, '0')), DOMAIN, CONCAT('user', LPAD(seq, 7, '0')), DOMAIN, 1 FROM seq_1_to_NUMBER`;

const filled = (statement: string, { domain, accounts }: Crowd, word = ''): string =>
  statement.replaceAll('DOMAIN', `'${domain}'`).replaceAll('WORD', `'${word}'`).replaceAll('NUMBER', String(accounts));

export const sql = async (machine: Inside, ...statements: readonly string[]): Promise<void> => {
  const argv = ['mariadb', 'vmail'];
  succeeded(argv, await machine.run(argv, { input: statements.map((statement) => `${statement};\n`).join(''), ms: 600_000 }));
};

/** Aliases are `first0000001@DOMAIN`, `second...` and `third...`, each leading to the account of its number. */
export const settle = async (machine: Inside, crowds: readonly Crowd[], aliases: 'with aliases' | 'without aliases'): Promise<void> => {
  const words = aliases === 'with aliases' ? ['first', 'second', 'third'] : [];
  const statements = crowds.flatMap((crowd) => [
    `INSERT IGNORE INTO domains (domain) VALUES ('${crowd.domain}')`,
    ...(crowd.accounts === 0 ? [] : [filled(ACCOUNTS, crowd), ...words.map((word) => filled(ALIASES, crowd, word))]),
  ]);
  // The domains are there.
  await sql(machine, 'SET foreign_key_checks = 0', ...statements);
};
