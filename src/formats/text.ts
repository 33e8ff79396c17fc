/**
 * Putting `Text` together, and what all files of ours have in common: the line that says whose they are, and comments.
 * A comment is safe whatever it holds: every line break starts a new comment line, other control characters become blanks,
 * and a backslash at the end, which continues a line in some formats, gets a full stop.
 */
import type { SecretRef, Text } from '#base';

/** The pieces in order, neighbouring strings joined, empty ones dropped. */
export const joined = (...pieces: readonly (string | SecretRef | Text)[]): Text => {
  const out: (string | SecretRef)[] = [];
  for (const piece of pieces.flat()) {
    const last = out.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') out[out.length - 1] = last + piece;
    else if (piece !== '') out.push(piece);
  }
  return out;
};

/** Pieces with `separator` between them. */
export const separated = (separator: string, pieces: readonly Text[]): Text =>
  joined(...pieces.flatMap((piece, index) => (index === 0 ? [piece] : [separator, piece])));

export const comment = (why: string | undefined, indent = ''): string =>
  why === undefined
    ? ''
    : why
        .split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
        .map((line) => `${indent}# ${line.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').trim()}`.trimEnd().replace(/\\$/, '\\.'))
        .map((line) => `${line}\n`)
        .join('');

/** First line of every file that we write (all of our formats take `#`). */
export const header = (): string => comment('Written by Hauspost and overwritten by it: changes belong in /etc/hauspost/hauspost.toml.');
