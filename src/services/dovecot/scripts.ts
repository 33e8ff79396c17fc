/** Scripts that are not people's: our own and the operator's, and how each is compiled. */
import type { AbsPath, Text } from '#base';
import { renderSieve } from '#formats';
import type { RenderInput } from '#model';
import { LEARN_OPTIONS, LEARN_SCRIPTS } from './learning.ts';
import { SPAM_SCRIPT } from './sieve.ts';
import { compiledScript, OPERATOR, sourceOf } from './script-files.ts';

export interface GlobalScript {
  readonly source: AbsPath;
  readonly compiled: AbsPath;
  readonly text: Text;
  /** Of sievec(1). */
  readonly options: readonly string[];
  /** The operator's file, if the script is his. */
  readonly from?: AbsPath;
}

export const globalScripts = ({ wiring, settings: { filters }, texts }: RenderInput): readonly GlobalScript[] => {
  const script = (name: string, text: Text, options: readonly string[] = []): GlobalScript => ({
    source: sourceOf(wiring, name),
    compiled: compiledScript(wiring, name),
    text,
    options,
  });
  const theirs = (['before', 'after'] as const).flatMap((when): readonly GlobalScript[] => {
    const from = filters[when];
    return from === undefined ? [] : [{ ...script(OPERATOR[when], [texts[from] ?? '']), from }];
  });
  return [
    script('spam', renderSieve(SPAM_SCRIPT)),
    ...Object.entries(LEARN_SCRIPTS).map(([kind, learn]) => script(`learn-${kind}`, renderSieve(learn), LEARN_OPTIONS)),
    ...theirs,
  ];
};
