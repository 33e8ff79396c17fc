/** Where Sieve scripts lie that are not people's. */
import { type AbsPath, path } from '#base';
import type { Wiring } from '#model';

/** Copies of the operator's, by when they run. */
export const OPERATOR = { before: 'operator-before', after: 'operator-after' } as const;

export const sourceOf = ({ places }: Wiring, name: string): AbsPath => path(`${places.sieve}/${name}.sieve`);
export const compiledScript = ({ places }: Wiring, name: string): AbsPath => path(`${places.sieve}/${name}.svbin`);
