/** What the operator wrote, whether it is right or not. */
import { readDocument } from './syntax.ts';

/** Options, such as `mail.message_size_limit`, whose values are written otherwise in the two texts, or in one of them alone; in the order of the later one. */
export const changedOptions = (before: string, after: string): readonly string[] => {
  const [was, is] = [before, after].map((text) => new Map(readDocument(text).assignments.map(({ path, at }) => [path.join('.'), at.source])));
  const all = new Set([...(is?.keys() ?? []), ...(was?.keys() ?? [])]);
  return [...all].filter((option) => was?.get(option) !== is?.get(option));
};
