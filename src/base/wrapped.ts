/** Lines of a text that a terminal of 80 columns shows whole. Breaks at blanks only: a word that is longer than a line, such as a path, stays one. */
export const COLUMNS = 80;

export const wrapped = (text: string, width: number): readonly string[] => {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
};

/** The same as one text, whose further lines begin with `indent`. */
export const hanging = (text: string, indent: string): string => wrapped(text, COLUMNS - indent.length).join(`\n${indent}`);
