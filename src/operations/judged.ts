/**
 * What commands go by that judge the server as it runs: what the operator's file says, as long as there is nothing in it to be applied; otherwise, as after a
 * rollback, the configuration in place, and then that is said.
 */
import type { Desired } from '#apply';
import { HauspostError } from '#base';
import { changedOptions } from '#config';
import type { Finding } from '#model';
import { inPlace, loadDesired, presentFacts } from './desired.ts';
import type { Context } from './operation.ts';
import { desiredForCertificates } from './serving.ts';

interface Judged {
  readonly desired: Desired;
  /** That the file says otherwise, or cannot be used. */
  readonly findings: readonly Finding[];
}

const otherwise = ({ configFile }: Context, number: number, options: readonly string[]): Finding => ({
  level: 'warning',
  code: 'config.not-in-place',
  message: `generation ${number} is in place, and ${configFile} says otherwise: ${options.join(', ')}`,
  remedy: `'hauspost plan' shows what that would change. 'hauspost apply' puts it in place, and so does 'hauspost up'; 'hauspost rollback ${number}' only starts what is stopped.`,
});

const unusable = ({ configFile }: Context, number: number, { code, message, remedy }: HauspostError): Finding => ({
  level: 'warning',
  code,
  message: `${configFile} cannot be used (${message.split('\n')[0]}), so generation ${number} counts, which is in place`,
  remedy: code === 'config.invalid' ? "'hauspost config check' says what is wrong with it." : remedy,
});

const differing = (placed: Desired, wanted: Desired): readonly string[] =>
  JSON.stringify(placed.manifest) === JSON.stringify(wanted.manifest) ? [] : changedOptions(placed.source, wanted.source);

/** Throws where the file cannot be used and nothing is in place either. */
export const judged = async (context: Context): Promise<Judged> => {
  const [placed, kept] = [await desiredForCertificates(context), await inPlace(context)];
  if (placed === undefined || kept === undefined) return { desired: await loadDesired(context), findings: [] };
  const now = (facts: Desired['input']['facts']): Desired => ({ ...placed, input: { ...placed.input, facts } });
  const { number } = kept.meta;
  try {
    const wanted = await loadDesired(context);
    const options = differing(placed, wanted);
    if (options.length === 0) return { desired: wanted, findings: [] };
    return { desired: now(wanted.input.facts), findings: [otherwise(context, number, options)] };
  } catch (error) {
    if (!(error instanceof HauspostError && error.blame === 'operator')) throw error;
    return { desired: now(await presentFacts(context)), findings: [unusable(context, number, error)] };
  }
};
