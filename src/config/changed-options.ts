/** What the operator wrote, whether it is right or not. */
import { readDocument } from './syntax.ts';

interface ChangedOption {
  /** Such as `mail.message_size_limit`. */
  readonly option: string;
  /** As it is written, on one line; undefined: it is not. */
  readonly was: string | undefined;
  readonly is: string | undefined;
}

const written = (text: string): ReadonlyMap<string, string> =>
  new Map(readDocument(text).assignments.map(({ path, at }) => [path.join('.'), at.source]));

const onOneLine = (value: string | undefined): string | undefined => value?.replace(/\s*\n\s*/g, ' ');

/** Options whose values are written otherwise in the two texts, or in one of them alone; in the order of the later one. */
export const optionChanges = (before: string, after: string): readonly ChangedOption[] => {
  const [was, is] = [written(before), written(after)];
  return [...new Set([...is.keys(), ...was.keys()])]
    .filter((option) => was.get(option) !== is.get(option))
    .map((option) => ({ option, was: onOneLine(was.get(option)), is: onOneLine(is.get(option)) }));
};

/** Their names. */
export const changedOptions = (before: string, after: string): readonly string[] => optionChanges(before, after).map(({ option }) => option);
