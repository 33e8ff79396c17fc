/** Lines of a diff as a terminal can show them: of long ones, such as a whole SQL statement, only what is around the difference. */

/** Longer ones are cut. */
const LONG = 160;
/** Characters shown before and after what differs. */
const AROUND = 40;

const common = (a: string, b: string, at: (text: string, index: number) => string | undefined): number => {
  let length = 0;
  while (length < Math.min(a.length, b.length) && at(a, length) === at(b, length)) length += 1;
  return length;
};

/** `from` to `until` of the text, with an ellipsis where something was cut away. */
const part = (text: string, from: number, until: number): string =>
  `${from > 0 ? '…' : ''}${text.slice(Math.max(0, from), until)}${until < text.length ? '…' : ''}`;

const cut = (line: string): string => (line.length > LONG ? part(line, 0, LONG) : line);

/** A line as it was and as it will be, without their signs. */
const cutPair = (before: string, after: string): readonly [string, string] => {
  const start = common(before, after, (text, index) => text[index]);
  const end = common(before.slice(start), after.slice(start), (text, index) => text.at(-1 - index));
  const around = (text: string): string => (text.length > LONG ? part(text, start - AROUND, text.length - end + AROUND) : text);
  return [cut(around(before)), cut(around(after))];
};

/** Lines that begin with `sign` from `from` on. */
const run = (lines: readonly string[], from: number, sign: string): readonly string[] => {
  const until = lines.findIndex((line, index) => index >= from && !line.startsWith(sign));
  return lines.slice(from, until === -1 ? lines.length : until);
};

/** What is taken away stands before what takes its place, line by line where they are as many. */
export const shortened = (lines: readonly string[]): readonly string[] => {
  const shown: string[] = [];
  while (shown.length < lines.length) {
    const gone = run(lines, shown.length, '-');
    const come = run(lines, shown.length + gone.length, '+');
    const pairs = gone.length === come.length ? gone.map((line, index) => cutPair(line.slice(1), (come[index] ?? '').slice(1))) : undefined;
    if (gone.length + come.length === 0) shown.push(cut(lines[shown.length] ?? ''));
    else if (pairs === undefined) shown.push(...[...gone, ...come].map(cut));
    else shown.push(...pairs.map(([before]) => `-${before}`), ...pairs.map(([, after]) => `+${after}`));
  }
  return shown;
};
