/** Rotation by time, as upkeep has it done: the next keys of domains whose key is old enough, and what is due for those that are there. */
import type { Domain } from '#base';
import type { Settings } from '#config';
import { ALGORITHMS, due, keysOf, signing } from '#dkim';
import type { Context } from './operation.ts';
import { keyringOf } from './secrets.ts';

/** 180 days: long enough to be seldom, short enough that a key which somebody copied does not serve them for years. */
const PUSHED_SECONDS = 180 * 86_400;

/** Null: only when somebody asks for it. Where records are published by hand nobody would know of keys that come by themselves. */
export const rotatesAfter = ({ dkim, dns }: Settings): number | null =>
  dkim.rotateSeconds === undefined ? (dns.update === null ? null : PUSHED_SECONDS) : dkim.rotateSeconds;

/** Those whose keys are to be followed by others. */
export const dueDomains = async (context: Context, settings: Settings, served: readonly Domain[]): Promise<readonly Domain[]> => {
  const period = rotatesAfter(settings);
  if (period === null) return [];
  const now = context.machine.now();
  const found: Domain[] = [];
  for (const domain of served) {
    const keys = await keysOf(keyringOf(context), domain);
    const old = ALGORITHMS.map((algorithm) => signing(keys, algorithm)).filter((key) => key !== undefined && due(key, period, now) <= now);
    if (old.length > 0) found.push(domain);
  }
  return found;
};
