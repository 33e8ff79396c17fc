/** `dkim rotate`: the next keys of one domain or of all, and whatever is due for those that are there. */
import { z } from 'zod';
import { type Domain, HauspostError, parseDomain } from '#base';
import { ALGORITHMS, keysOf, listDkimKeys, makePending, type Turn } from '#dkim';
import type { Finding, RenderInput } from '#model';
import { DUE } from '#services';
import { loadInput } from './desired.ts';
import { makeDkimKeys } from './dkim.ts';
import { servedDomains } from './dkim-domains.ts';
import { turnKeys, withDkimLock } from './dkim-turn.ts';
import { type Context, operation } from './operation.ts';
import { finding, warned } from './people.ts';
import { publish } from './publish.ts';
import { keyringOf } from './secrets.ts';

/** The next keys, unless there are some that wait; a domain that has none at all gets its first ones, which sign at once. */
const begin = async (context: Context, domain: Domain): Promise<readonly string[]> => {
  const keyring = keyringOf(context);
  const keys = await keysOf(keyring, domain);
  if (keys.some(({ state }) => state === 'pending')) return [];
  if (keys.length === 0) {
    await makeDkimKeys(context, [domain]);
    return (await keysOf(keyring, domain)).map(({ selector }) => selector);
  }
  const made: string[] = [];
  for (const algorithm of ALGORITHMS) made.push(await makePending(keyring, domain, algorithm));
  return made;
};

const step = z.object({ selector: z.string(), state: z.enum(['active', 'retiring', 'retired']) });
const waiting = z.object({ selector: z.string(), why: z.string(), until: z.string().nullable() });
export const rotated = z.object({
  domain: z.string(),
  made: z.array(z.string()).readonly(),
  steps: z.array(step).readonly(),
  waiting: z.array(waiting).readonly().describe('keys that are to be published, or to be remembered as published'),
});

export type Rotated = z.output<typeof rotated>;

export const asRotated = ({ domain, steps, waiting: list }: Turn, made: readonly string[]): Rotated => ({
  domain,
  made,
  steps,
  waiting: list.map(({ selector, why, until }) => ({ selector, why, until: until?.toISOString() ?? null })),
});

/** Where a name server takes changes of ours, it gets the records as they now are. What keeps it from that is found, and no failure: the keys wait. */
const published = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => {
  if (input.settings.dns.update === null) return [];
  try {
    return (await publish(context, input, 'hauspost dkim rotate')).findings;
  } catch (error) {
    if (!(error instanceof HauspostError) || error.blame === 'bug') throw error;
    return [{ level: 'warning', code: error.code, message: error.message, remedy: error.remedy }];
  }
};

export interface Rotation {
  readonly domains: readonly Rotated[];
  readonly findings: readonly Finding[];
}

/** Another key for each of `chosen`, and a turn of all. */
export const rotateKeys = async (context: Context, input: RenderInput, served: readonly Domain[], chosen: readonly Domain[]): Promise<Rotation> => {
  const made = new Map<string, readonly string[]>();
  for (const domain of chosen) made.set(domain, await begin(context, domain));
  const waits = (await listDkimKeys(keyringOf(context))).some(({ state }) => state === 'pending');
  const before = waits ? await published(context, input) : [];
  const turns = await turnKeys(context, input, served);
  const gone = turns.some(({ steps }) => steps.some(({ state }) => state === 'retired'));
  const after = gone ? await published(context, input) : [];
  return { domains: turns.map((turn) => asRotated(turn, made.get(turn.domain) ?? [])), findings: gone ? after : before };
};

export const rotate = operation({
  name: 'dkim rotate',
  summary: 'Makes the next DKIM keys of a domain, or of all; where some wait already, does what is due for them.',
  example: 'hauspost dkim rotate example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({ domain: z.string().optional().describe('one domain; otherwise all') }),
  output: z.object({ domains: z.array(rotated).readonly(), findings: z.array(finding).readonly() }),
  needs: 'server',
  run: async (context, input) => {
    const served = await servedDomains();
    const chosen = input.domain === undefined ? served.all : [served.one(parseDomain(input.domain))];
    const rendered = await loadInput(context);
    const { domains, findings } = await withDkimLock(context, 'hauspost dkim rotate', () => rotateKeys(context, rendered, served.all, chosen));
    // Upkeep looks when the next thing is due.
    await context.machine.remove(DUE);
    return { domains: domains.filter(({ domain }) => chosen.some((name) => name === domain)), findings: warned(context, findings) };
  },
});
