/**
 * Which message was learned as what, in Redis beside Bayes. Rspamd has such a list of its own, by tokens: 3.4 does not find there what
 * it has learned itself a minute ago (docs/rspamd.md). This one is by SHA-256 of the file's content, 64 hexadecimal digits, and goes when Bayes is emptied.
 */
import { createHash } from 'node:crypto';
import { type AbsPath, failure } from '#base';
import type { Machine } from '#machine';
import type { Class } from './controller.ts';

const KEY = 'hauspost_learned';

/** A read of many fields is one program; so is a write. */
export interface Record {
  find(hashes: readonly string[]): Promise<readonly string[]>;
  add(hashes: readonly string[], as: Class): Promise<void>;
}

export const hashOf = (message: Buffer): string => createHash('sha256').update(message).digest('hex');

export const openRecord = async (machine: Machine, socket: AbsPath): Promise<Record> => {
  const ask = async (...words: readonly string[]): Promise<readonly string[]> => {
    const { code, stdout, stderr } = await machine.run(['redis-cli', '-s', socket, '-e', '--raw', ...words]);
    if (code !== 0) {
      throw failure({
        code: 'learning.no-memory',
        message: `Redis does not answer: ${(stderr || stdout).trim()}`,
        remedy: "'hauspost status' shows what does not run; the filter keeps in Redis what it learns.",
      });
    }
    return stdout.split('\n').slice(0, -1);
  };
  // The counters of Bayes itself. Both gone: nothing is known any more.
  if ((await ask('HMGET', 'RS', 'learns_spam', 'learns_ham')).every((count) => count === '' || count === '0')) await ask('DEL', KEY);
  return {
    find: (hashes) => ask('HMGET', KEY, ...hashes),
    add: async (hashes, as) => {
      if (hashes.length > 0) await ask('HSET', KEY, ...hashes.flatMap((hash) => [hash, as]));
    },
  };
};
