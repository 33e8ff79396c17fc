/** Where our own Sieve scripts lie. */
import { type AbsPath, path } from '#base';
import type { Wiring } from '#model';

export const sourceOf = ({ places }: Wiring, name: string): AbsPath => path(`${places.sieve}/${name}.sieve`);
export const compiledScript = ({ places }: Wiring, name: string): AbsPath => path(`${places.sieve}/${name}.svbin`);
