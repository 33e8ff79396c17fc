/** How far a rollover of the server's key is. That the next key lies there is what says that one is under way; what this file holds may be lost, and is then waited for anew. */
import { z } from 'zod';
import { type AbsPath, path } from '#base';
import type { RenderInput } from '#model';
import type { Context } from './operation.ts';
import { digestAt, nextKeyAt } from './server-keys.ts';

const record = z.object({
  begun: z.string(),
  /** Host name and digest: of another record nothing was seen. */
  of: z.string().nullable(),
  /** Since when every name server shows it. */
  seen: z.string().nullable(),
  /** Which change of ours was the last one by then (`tlsa-change.ts`). */
  change: z.string().nullable(),
  /** Seconds: the longest that somebody was told to remember what was shown. */
  ttl: z.number(),
  /** What it waits for. */
  waits: z.string(),
});
export type Progress = z.output<typeof record>;

const fileOf = ({ wiring: { places } }: RenderInput): AbsPath => path(`${places.state}/tls/rollover.json`);

/** Nothing is seen yet. */
export const begunAt = (now: Date, ttl: number): Progress => ({
  begun: now.toISOString(),
  of: null,
  seen: null,
  change: null,
  ttl,
  waits: 'the record of the next key to be seen',
});

const read = async ({ machine }: Context, input: RenderInput): Promise<Progress> => {
  const fresh = begunAt(machine.now(), 0);
  const text = (await machine.read(fileOf(input)))?.toString();
  if (text === undefined) return fresh;
  try {
    return record.parse(JSON.parse(text));
  } catch {
    return fresh;
  }
};

/** Undefined: none is under way. */
export const rolloverUnderWay = async (context: Context, input: RenderInput): Promise<Progress | undefined> => {
  if ((await context.machine.state(nextKeyAt(input))) === undefined) return undefined;
  const of = `${input.settings.hostname} ${await digestAt(context, nextKeyAt(input))}`;
  const found = await read(context, input);
  return found.of === of ? found : { ...found, of, seen: null, waits: begunAt(context.machine.now(), 0).waits };
};

export const remember = ({ machine }: Context, input: RenderInput, progress: Progress): Promise<void> =>
  machine.write(fileOf(input), `${JSON.stringify(progress, null, 1)}\n`, { owner: 'root:root', mode: 0o600 });

/** For a time in which its record is not wanted, and nobody looks. */
export const forgetSeen = async (context: Context, input: RenderInput): Promise<void> => {
  const progress = await rolloverUnderWay(context, input);
  if (progress !== undefined && progress.seen !== null) await remember(context, input, { ...progress, seen: null });
};

export const forgetProgress = ({ machine }: Context, input: RenderInput): Promise<void> => machine.remove(fileOf(input));
