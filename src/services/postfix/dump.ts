/**
 * Postfix' own view of its files, and ours of what we wrote, in one form: logical lines (postconf(5): a line that starts with
 * a blank continues the one before), comments gone, runs of blanks one blank.
 */
export const logicalLines = (text: string): readonly string[] => {
  const found: string[] = [];
  for (const line of text.split('\n').filter((each) => each.trim() !== '' && !/^\s*#/.test(each))) {
    if (/^\s/.test(line)) found.push(`${found.pop() ?? ''} ${line}`);
    else found.push(line);
  }
  return found.map((line) => line.replace(/\s+/g, ' ').trim());
};

/** `name = value`, for each logical line. */
export const parameters = (text: string): ReadonlyMap<string, string> =>
  new Map(
    logicalLines(text).map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals).trim(), line.slice(equals + 1).trim()] as const;
    }),
  );

/** `-o { name = value }` is also written `-o name=value`; columns and options, in order. */
export const services = (text: string): readonly string[] =>
  logicalLines(text).map((line) => line.replace(/-o \{ ?(\w+) = /g, '-o {$1=').replace(/ \}(?= |$)/g, '}'));
