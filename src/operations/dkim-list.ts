/** `dkim list`: the keys, what each is doing, and what comes next. */
import { z } from 'zod';
import { parseDomain } from '#base';
import type { Settings } from '#config';
import {
  algorithmOf,
  dayIn,
  type DkimKey,
  domainsWithKeys,
  due,
  type Entries,
  type Entry,
  goes,
  keysOf,
  readStates,
  recordName,
  UNASKED,
} from '#dkim';
import { loadInput } from './desired.ts';
import { servedDomains } from './dkim-domains.ts';
import { periodsOf } from './dkim-schedule.ts';
import { type Look, seenInDns } from './dkim-view.ts';
import { operation } from './operation.ts';
import { keyringOf } from './secrets.ts';

const key = z.object({
  domain: z.string(),
  selector: z.string(),
  algorithm: z.enum(['rsa', 'ed25519']),
  served: z.boolean().describe('false: the domain is no longer one of this server, and may come back'),
  state: z.enum(['pending', 'active', 'retiring', 'retired']),
  since: z.string().nullable().describe('null: not known'),
  next: z.string().describe('what comes next, in a few words'),
  at: z.string().nullable().describe('when, if that is known'),
  waits: z.string().nullable().describe('of a pending key: why it does not sign yet'),
});
type Listed = z.output<typeof key>;

const GONE = 'stays, not served';

type Following = Pick<Listed, 'next' | 'at' | 'waits'>;

/** `entry`: when a turn found it at all servers, and how long others may remember that it was not there. */
const pendingNext = (look: Look | undefined, { shown, denied = 0 }: Partial<Entry> = {}): Following => {
  const next = 'signs once seen everywhere';
  if (look === undefined) return { next, at: null, waits: UNASKED };
  if (!look.everywhere) return { next, at: null, waits: look.why };
  const at = shown === undefined ? null : new Date(new Date(shown).getTime() + Math.max(denied, look.negativeTtl) * 1000).toISOString();
  return { next, at, waits: 'every server shows it; some may remember that it was not there; then upkeep goes on' };
};

/** `period`: seconds after which it is followed by another one; undefined: only when somebody asks for it. */
const nextOf = (listed: DkimKey, settings: Settings, period: number | undefined, now: Date): Following => {
  if (listed.state === 'retiring') {
    const at = goes(listed, settings.dkim.retireAfterSeconds)?.toISOString() ?? null;
    return { next: 'goes', at, waits: null };
  }
  if (period === undefined) return { next: "signs until 'dkim rotate'", at: null, waits: null };
  return { next: 'followed', at: due(listed, period, now).toISOString(), waits: null };
};

const retired = (domain: string, states: Entries, served: boolean): readonly Listed[] =>
  Object.entries(states).flatMap(([selector, { algorithm, state, since }]) =>
    state === 'retired' ? [{ domain, selector, algorithm, served, state, since, next: 'its record may go', at: null, waits: null }] : [],
  );

export const list = operation({
  name: 'dkim list',
  summary: 'Lists the DKIM keys: which sign, which are to be published, which go, and what each waits for.',
  example: 'hauspost dkim list example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({ domain: z.string().optional().describe('one domain; otherwise all that have keys') }),
  output: z.array(key).readonly(),
  needs: 'server',
  run: async (context, input) => {
    const served = await servedDomains();
    const keyring = keyringOf(context);
    const domains = input.domain === undefined ? await domainsWithKeys(keyring) : [served.one(parseDomain(input.domain))];
    const rendered = await loadInput(context);
    const keys = (await Array.fromAsync(domains, (domain) => keysOf(keyring, domain))).flat();
    const isServed = ({ domain }: { readonly domain: string }): boolean => served.all.some((name) => name === domain);
    const looks = await seenInDns(
      context,
      rendered,
      keys.filter((one) => one.state === 'pending' && isServed(one)),
    );
    const periods: ReadonlyMap<string, number> = await periodsOf(context, rendered, served.all);
    const now = context.machine.now();
    const noted = new Map(await Promise.all(domains.map(async (domain) => [domain as string, await readStates(keyring, domain)] as const)));
    const followingOf = (one: DkimKey): Following => {
      if (!isServed(one)) return { next: GONE, at: null, waits: null };
      if (one.state !== 'pending') return nextOf(one, rendered.settings, periods.get(one.domain), now);
      return pendingNext(looks.get(recordName(one)), noted.get(one.domain)?.[one.selector]);
    };
    const there = keys.map((one): Listed => {
      const { domain, selector, state } = one;
      const since = one.since ?? dayIn(selector)?.toISOString() ?? null;
      return { domain, selector, algorithm: algorithmOf(one), served: isServed(one), state, since, ...followingOf(one) };
    });
    const gone = [...noted].flatMap(([domain, states]) => retired(domain, states, isServed({ domain })));
    return domains.flatMap((domain) => [...there, ...gone].filter((one) => one.domain === domain));
  },
});
