/**
 * When we ourselves changed the server's TLSA records last, and for how long others may go on with what stood there before. Whoever looks afterwards sees
 * neither: not the longer time to live, nor that the records were gone for a while.
 */
import { z } from 'zod';
import { type AbsPath, path } from '#base';
import { isChange } from '#dns';
import type { RenderInput } from '#model';
import type { Pushing } from './dns-pushing.ts';
import type { Context } from './operation.ts';

const record = z.object({
  at: z.string(),
  /** Seconds. */
  ttl: z.number(),
});
export type TlsaChange = z.output<typeof record>;

const fileOf = ({ wiring: { places } }: Pick<RenderInput, 'wiring'>): AbsPath => path(`${places.state}/tls/tlsa-change.json`);

/** What cannot be read is as good as none. */
export const lastTlsaChange = async ({ machine }: Context, input: RenderInput): Promise<TlsaChange | undefined> => {
  const text = (await machine.read(fileOf(input)))?.toString();
  if (text === undefined) return undefined;
  try {
    return record.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

/** Somebody may still go on with what was there before it. */
export const isRemembered = ({ at, ttl }: TlsaChange, now: Date): boolean => Date.parse(at) + ttl * 1000 > now.getTime();

/** Before it is sent. */
export const noteTlsaChange = async (context: Context, { plan, input }: Pick<Pushing, 'plan' | 'input'>): Promise<void> => {
  const { machine } = context;
  const changed = plan.zones.flatMap(({ differences }) => differences).filter((each) => each.type === 'TLSA' && isChange(each));
  if (changed.length === 0) return;
  const [now, before] = [machine.now(), await lastTlsaChange(context, input)];
  const ttl = Math.max(
    before !== undefined && isRemembered(before, now) ? before.ttl : 0,
    ...changed.flatMap(({ there }) => there.same.map((found) => found.ttl)),
  );
  await machine.write(fileOf(input), `${JSON.stringify({ at: now.toISOString(), ttl })}\n`, { owner: 'root:root', mode: 0o600 });
};
