/** Our own Sieve scripts, and how each is compiled. */
import type { AbsPath } from '#base';
import type { SieveScript } from '#formats';
import type { Wiring } from '#model';
import { LEARN_OPTIONS, LEARN_SCRIPTS } from './learning.ts';
import { SPAM_SCRIPT } from './sieve.ts';
import { compiledScript, sourceOf } from './script-files.ts';

export interface OwnScript {
  readonly source: AbsPath;
  readonly compiled: AbsPath;
  readonly script: SieveScript;
  /** Of sievec(1). */
  readonly options: readonly string[];
}

export const ownScripts = (wiring: Wiring): readonly OwnScript[] => {
  const own = (name: string, script: SieveScript, options: readonly string[] = []): OwnScript => ({
    source: sourceOf(wiring, name),
    compiled: compiledScript(wiring, name),
    script,
    options,
  });
  return [own('spam', SPAM_SCRIPT), ...Object.entries(LEARN_SCRIPTS).map(([kind, script]) => own(`learn-${kind}`, script, LEARN_OPTIONS))];
};
