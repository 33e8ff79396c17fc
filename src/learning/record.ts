/**
 * Which message was learned as what, in Redis beside Bayes. Rspamd has such a list of its own, by tokens: 3.4 does not find there what
 * it has learned itself a minute ago (docs/rspamd.md). This one is by SHA-256 of the file's content, 64 hexadecimal digits, and goes when Bayes is emptied.
 */
import { createHash } from 'node:crypto';
import { type AbsPath, failure } from '#base';
import type { Machine } from '#machine';
import type { Class } from './controller.ts';

const KEY = 'hauspost_learned';
/** As long as Bayes keeps words. */
const SECONDS = 100 * 86_400;
/** Some 13 MB. */
const MOST = 100_000;
/** Of what is too many: Lua's unpack knows no more than some thousands. */
const AT_ONCE = 1000;

/** KEYS: the record. ARGV: how many fit, how many go at once, seconds, then hashes and classes. What is too much goes at random: it is learned twice at worst. */
const ADD = `
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
local over = redis.call('HLEN', KEYS[1]) - ARGV[1]
if over > 0 then redis.call('HDEL', KEYS[1], unpack(redis.call('HRANDFIELD', KEYS[1], math.min(over, ARGV[2])))) end
redis.call('EXPIRE', KEYS[1], ARGV[3])`;

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
      const limits = [MOST, AT_ONCE, SECONDS].map(String);
      if (hashes.length > 0) await ask('EVAL', ADD, '1', KEY, ...limits, ...hashes.flatMap((hash) => [hash, as]));
    },
  };
};
