/**
 * What nginx read: `nginx -T`. nginx refuses what it does not know and prints the files that it read as they are, so the proof is
 * that ours is among them, unchanged, and that the status was 0.
 */
import { redacted, type Text } from '#base';
import { type Mismatch, mismatch, sameText } from './compare.ts';

/** The files of standard output of `nginx -T`, by path, in order. */
export const parseNginxT = (dump: string): ReadonlyMap<string, string> => {
  const parts = dump.split(/^# configuration file (\/[^\n]*):\n/m);
  return new Map(parts.flatMap((path, index) => (index % 2 === 1 ? [[path, (parts[index + 1] ?? '').replace(/\n$/, '')] as const] : [])));
};

/** `files`: what we rendered, by path. A file of nginx's that is not ours is a mismatch, too. */
export const compareNginx = (files: ReadonlyMap<string, Text>, dump: string): readonly Mismatch[] => {
  const read = parseNginxT(dump);
  const wrong = [...files].flatMap(([path, text]) => {
    const actual = read.get(path);
    return actual !== undefined && sameText(text, actual) ? [] : [mismatch(path, [redacted(text)], actual)];
  });
  return [...wrong, ...[...read].filter(([path]) => !files.has(path)).map(([path, text]) => mismatch(path, ['(not read)'], text))];
};
