/** How far a rollover of the server's key is. That the next key lies there is what says that one is under way; what this file holds may be lost, and is then waited for anew. */
import { z } from 'zod';
import { type AbsPath, path } from '#base';
import type { RenderInput } from '#model';
import type { Context } from './operation.ts';
import { nextKeyAt } from './server-keys.ts';

const record = z.object({
  begun: z.string(),
  /** Since when every name server shows the record of the next key. */
  seen: z.string().nullable(),
  /** Seconds: the longest that somebody was told to remember what was shown. */
  ttl: z.number(),
  /** What it waits for. */
  waits: z.string(),
});
export type Progress = z.output<typeof record>;

const fileOf = ({ wiring: { places } }: RenderInput): AbsPath => path(`${places.state}/tls/rollover.json`);

/** Undefined: none is under way. */
export const rolloverUnderWay = async (context: Context, input: RenderInput): Promise<Progress | undefined> => {
  if ((await context.machine.state(nextKeyAt(input))) === undefined) return undefined;
  const fresh: Progress = { begun: context.machine.now().toISOString(), seen: null, ttl: 0, waits: 'the record of the next key to be seen' };
  const text = (await context.machine.read(fileOf(input)))?.toString();
  if (text === undefined) return fresh;
  try {
    return record.parse(JSON.parse(text));
  } catch {
    return fresh;
  }
};

export const remember = ({ machine }: Context, input: RenderInput, progress: Progress): Promise<void> =>
  machine.write(fileOf(input), `${JSON.stringify(progress, null, 1)}\n`, { owner: 'root:root', mode: 0o600 });

export const forgetProgress = ({ machine }: Context, input: RenderInput): Promise<void> => machine.remove(fileOf(input));
