/** Who sees what is published: for whatever must not be used before all the world can know of it, such as the next key of a certificate or of DKIM. */
import { asker, type Published, type Shown, shownBy } from '#dns';
import type { Wiring } from '#model';
import type { Context } from './operation.ts';

/** Of each record which name servers of its zone show it, and for how long others may go on without it. Rejects with `dns.no-resolver` (exit 4). */
export const shownEverywhere = (
  { machine }: Pick<Context, 'machine'>,
  { wiring }: { readonly wiring: Pick<Wiring, 'resolver'> },
  records: readonly Published[],
): Promise<readonly Shown[]> => shownBy(asker(machine, wiring.resolver), records);
