/** What became of the last time that an authority was asked, for `status` and for when to ask again; a file, since who asked may have been the service. */
import { z } from 'zod';
import { type AbsPath, asHauspostError, HauspostError, path } from '#base';
import type { RenderInput } from '#model';
import { retryAfter } from '#tls';
import type { Context } from './operation.ts';

const attempt = z.object({
  at: z.string(),
  /** One after the other; 0: it signed. */
  failures: z.number(),
  /** Before that it is not asked by itself. */
  not_before: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }).nullable(),
});
export type Attempt = z.output<typeof attempt>;

const fileOf = ({ wiring: { places } }: RenderInput): AbsPath => path(`${places.state}/acme/attempt.json`);

const NONE: Attempt = { at: new Date(0).toISOString(), failures: 0, not_before: null, error: null };

/** What cannot be read is as good as none: the next attempt writes it anew. */
export const lastAttempt = async ({ machine }: Context, input: RenderInput): Promise<Attempt | undefined> => {
  const text = (await machine.read(fileOf(input)))?.toString();
  if (text === undefined) return undefined;
  try {
    return attempt.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

const note = async ({ machine }: Context, input: RenderInput, value: Attempt): Promise<void> =>
  machine.write(fileOf(input), `${JSON.stringify(value, null, 1)}\n`, { owner: 'root:root', mode: 0o600 });

const RATE_LIMITED = 'acme.rate-limited';

/** Stands there while the authority is asked, and goes on to stand there where nobody lived to say what came of it. */
const UNDER_WAY = {
  code: 'acme.interrupted',
  message: 'what came of it is not known: it is under way, or was interrupted',
  remedy: 'Wait: it is asked again by itself.',
};

/** Runs `work` and takes down what came of it; before that, that it is asked: who is killed meanwhile does not ask again a minute later. */
export const noted = async <T>(context: Context, input: RenderInput, work: () => Promise<T>): Promise<T> => {
  const before = (await lastAttempt(context, input)) ?? NONE;
  const at = (): string => context.machine.now().toISOString();
  const failures = before.failures + 1;
  await note(context, input, { at: at(), failures, not_before: retryAfter(failures, false, context.machine.now()).toISOString(), error: UNDER_WAY });
  try {
    const value = await work();
    await note(context, input, { ...NONE, at: at() });
    return value;
  } catch (thrown) {
    const { code, message, remedy } = asHauspostError(thrown);
    const next = retryAfter(failures, code === RATE_LIMITED, context.machine.now());
    await note(context, input, { at: at(), failures, not_before: next.toISOString(), error: { code, message, remedy } });
    throw thrown instanceof HauspostError ? thrown : asHauspostError(thrown);
  }
};
