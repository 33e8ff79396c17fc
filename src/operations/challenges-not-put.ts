/**
 * Challenges that could not be put into DNS. certbot does not look at how `cert challenge put` ends: it goes on, the authority finds nothing, and its words
 * would send whoever reads them anywhere but to the cause. So the failure is noted where certbot's log of the same attempt lies, and goes with it.
 */
import { z } from 'zod';
import { type AbsPath, asHauspostError, HauspostError, path } from '#base';
import type { RenderInput } from '#model';
import type { Problem } from '#tls';
import type { Context } from './operation.ts';

const failed = z.object({
  /** That is certified. */
  certified: z.string(),
  blame: z.enum(['operator', 'environment', 'failure', 'bug']),
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
});
const document = z.array(failed);
type Failed = z.output<typeof failed>;

const folderOf = ({ wiring: { places } }: RenderInput): AbsPath => path(`${places.state}/acme/attempt`);
const fileOf = (input: RenderInput): AbsPath => path(`${folderOf(input)}/not-put.json`);

/** What cannot be read is as good as none: then the authority's words are told. */
const noted = async ({ machine }: Context, input: RenderInput): Promise<readonly Failed[]> => {
  try {
    return document.parse(JSON.parse((await machine.read(fileOf(input)))?.toString() ?? '[]'));
  } catch {
    return [];
  }
};

/** Notes why `work` failed, for who asked certbot; who calls it by hand, where no certificate was ever asked for, is told and leaves nothing. */
export const noting = async <T>(context: Context, input: RenderInput, certified: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    const { machine } = context;
    if ((await machine.state(folderOf(input))) === undefined) throw thrown;
    const { blame, code, message, remedy } = asHauspostError(thrown);
    const each = [...(await noted(context, input)), { certified, blame, code, message, remedy }];
    await machine.write(fileOf(input), `${JSON.stringify(each, null, 1)}\n`, { owner: 'root:root', mode: 0o600 });
    throw thrown;
  }
};

/** `refusal` of an authority, or, where it is about names whose challenges could not be put, why not. */
export const insteadOf = async (context: Context, input: RenderInput, refusal: HauspostError): Promise<HauspostError> => {
  const problems = (refusal.detail['problems'] as readonly Problem[] | undefined) ?? [];
  const reasons = (await noted(context, input)).filter(({ certified }) => problems.some(({ name }) => name === certified));
  const [first] = reasons;
  if (first === undefined) return refusal;
  const names = [...new Set(reasons.map(({ certified }) => certified))].join(', ');
  const why = [...new Set(reasons.map(({ message }) => message))].join('; ');
  const message = `what the authority looks for could not be put into DNS for ${names}: ${why}`;
  return new HauspostError(first.blame, { code: first.code, message, remedy: first.remedy, detail: refusal.detail });
};
