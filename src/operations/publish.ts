/**
 * Publishing without a question: what is ours is kept in DNS as it is to be, for whoever has changed a key, a certificate or a domain. Where no name
 * server takes changes, or another machine has published so far, nothing is done. Records of others are never touched: where they stand in the way, that
 * is found, and no failure.
 */
import { parseConfig } from '#config';
import { withLock } from '#machine';
import type { Finding, RenderInput } from '#model';
import { inPlace, readConfigText, renderInput } from './desired.ts';
import { copyFound } from './another-machine.ts';
import { conflictFindings, elsewhereFindings, leftOverFindings } from './dns-found.ts';
import { carryOutPush, lookForPush } from './dns-pushing.ts';
import type { Context } from './operation.ts';
import type { Kept, Task } from './task.ts';
import { noteTlsaChange } from './tlsa-change.ts';

export interface Publication {
  /** Whether some name server takes changes; false: it is published by hand, if at all. */
  readonly set: boolean;
  /** Zones that were changed. */
  readonly changed: readonly string[];
  readonly findings: readonly Finding[];
}

/** One at a time: what one of them has published the other has to know. */
export const DNS_LOCK = 'dns';

/** Throws as `dns push` does, where nothing could be changed. `who`: the command that others wait for meanwhile. */
export const publish = async (context: Context, input: RenderInput, who = 'hauspost upkeep'): Promise<Publication> => {
  if (input.settings.dns.update === null || input.settings.profile === 'local') return { set: false, changed: [], findings: [] };
  const wait = { tell: () => undefined, signal: context.signal };
  return withLock(
    who,
    async () => {
      const copy = await copyFound(context, input);
      if (copy !== undefined) return { set: true, changed: [], findings: [copy] };
      const pushing = await lookForPush(context, input, { takeOver: new Set(), unasked: true });
      await noteTlsaChange(context, pushing);
      const { done } = await carryOutPush(context, pushing);
      return {
        set: true,
        changed: done.map(({ zone }) => zone),
        findings: [...conflictFindings(pushing), ...elsewhereFindings(pushing), ...leftOverFindings(pushing)],
      };
    },
    { name: DNS_LOCK, wait },
  );
};

/** The server is the one in place; whom to tell of it is what the file says now, since [dns] needs no apply. Undefined where nothing can be told, or nobody is. */
const inputNow = async (context: Context): Promise<RenderInput | undefined> => {
  const [placed, written] = [(await inPlace(context))?.source, await readConfigText(context)].map((text) =>
    text === undefined ? undefined : parseConfig(text, context.configFile),
  );
  const dns = (written?.ok === true ? written : placed?.ok === true ? placed : undefined)?.value.dns;
  if (placed?.ok !== true || dns?.updateServer === undefined) return undefined;
  return renderInput(context, { ...placed.value, dns });
};

/** Upkeep's task. */
export const keepPublished: Task = async (context): Promise<Kept> => {
  const input = await inputNow(context);
  if (input === undefined) return { done: [] };
  const { changed, findings } = await publish(context, input);
  return { done: changed.length === 0 ? [] : [`Published what is new in DNS: ${changed.join(', ')}.`], findings };
};
