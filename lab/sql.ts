/** What somebody does to the database with MariaDB's own client, as root, without Hauspost. */
import type { Machine } from './machine.ts';
import { succeeded } from './process.ts';

/** Rows of the last statements, columns separated by tabs. */
export const sql = async (machine: Machine, statements: string): Promise<string> => {
  const argv = ['mariadb', '--batch', '--skip-column-names', 'vmail'];
  return succeeded(argv, await machine.run(argv, { input: statements })).stdout;
};
