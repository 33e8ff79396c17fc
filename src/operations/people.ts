/** What the operations on domains, accounts and aliases share. */
import { z } from 'zod';
import { path } from '#base';
import { connect, type Directory } from '#directory';

/** The socket does not depend on the configuration; asking for people must not need to render it. */
const SOCKET = path('/run/mysqld/mysqld.sock');

export const finding = z.object({ level: z.enum(['error', 'warning']), code: z.string(), message: z.string(), remedy: z.string() });

export const withDirectory = async <T>(work: (directory: Directory) => Promise<T>): Promise<T> => {
  await using directory = await connect({ socketPath: SOCKET });
  return await work(directory);
};
