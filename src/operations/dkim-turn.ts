/** A turn of the keys of all domains: `dkim rotate`, `dkim import` and upkeep come by here, one after the other. */
import { domainsWithKeys, knownOf, type Seen, takeTurn, type Turn } from '#dkim';
import { withLock } from '#machine';
import type { RenderInput } from '#model';
import { showKeys } from './dkim-resolver.ts';
import { seenInDns } from './dkim-view.ts';
import type { Context } from './operation.ts';
import { keyringOf } from './secrets.ts';

/** Commands on keys wait for each other. Making a domain's first keys needs none of it. */
export const withDkimLock = <T>(context: Context, command: string, work: () => Promise<T>): Promise<T> =>
  withLock(command, work, {
    name: 'dkim.lock',
    wait: { signal: context.signal, tell: (holder) => context.reporter.emit({ kind: 'info', text: `waits for ${holder}` }) },
  });

/** `served`: domains of the server. Of others only what is retiring goes on; whether DNS shows the rest matters to nobody. `sure`: seen for certain already. */
export const turnKeys = async (
  context: Context,
  input: RenderInput,
  served: readonly string[],
  sure: ReadonlyMap<string, Seen> = new Map(),
): Promise<readonly Turn[]> => {
  const keyring = keyringOf(context);
  await showKeys(context);
  const all = await knownOf(keyring, await domainsWithKeys(keyring));
  const pending = all.flatMap(({ domain, keys }) => (served.includes(domain) ? keys.filter(({ state }) => state === 'pending') : []));
  const seen = new Map([...(await seenInDns(context, input, pending)), ...sure]);
  const turns = await takeTurn(keyring, all, { seen, retireAfterSeconds: input.settings.dkim.retireAfterSeconds });
  await showKeys(context);
  return turns.map((turn) => ({ ...turn, waiting: served.includes(turn.domain) ? turn.waiting : [] }));
};
