/** Rspamd's greylisting, whose clock is the time that it wrote down in Redis. */
import { ok } from './people.ts';
import type { Machine } from './machine.ts';

const FIVE_MINUTES = 300;

/** As if all that it remembers had been five minutes earlier; how much that is. */
export const minutesPass = async (machine: Machine): Promise<number> => {
  const earlier = `local n = 0; for _, key in ipairs(redis.call('KEYS', 'rg*')) do
    redis.call('SET', key, tonumber(redis.call('GET', key)) - ${FIVE_MINUTES}, 'KEEPTTL'); n = n + 1 end; return n`;
  return Number(ok(await machine.run(['redis-cli', '-s', '/run/redis/redis-server.sock', '--raw', 'EVAL', earlier, '0'])).stdout);
};
