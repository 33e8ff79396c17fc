/**
 * A Dovecot configuration as a flat list of settings: reads what doveconf(1) prints, and what we render, alike. Knows comments, blocks
 * with or without a name, and quoted values; trusts that there are no includes. 2.3 has several blocks `passdb` without a name, and their
 * order counts: they are numbered.
 */

/** `service lmtp > user` to `vmail`. */
export type Leaves = ReadonlyMap<string, string>;

const unquoted = (text: string): string => (/^".*"$/.test(text) ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text);

const head = (text: string): string => {
  const [, block = '', name] = /^(\S+)(?:\s+(.*))?$/.exec(text) ?? [];
  return name === undefined ? block : `${block} ${unquoted(name)}`;
};

/** Each setting with its value and the line on which it stands, from 1. */
export const lined = (text: string): readonly { readonly name: string; readonly value: string; readonly line: number }[] => {
  const found: { name: string; value: string; line: number }[] = [];
  const around: string[] = [];
  let passdbs = 0;
  const opened = (line: string): string => (line === 'passdb' ? `passdb ${++passdbs}` : head(line));
  for (const [index, line] of text.split('\n').map((raw, at) => [at, raw.trim()] as const)) {
    if (line === '' || line.startsWith('#')) continue;
    const setting = /^(\S+)\s*=\s*(.*)$/.exec(line);
    if (setting !== null) found.push({ name: [...around, setting[1]].join(' > '), value: unquoted(setting[2] ?? ''), line: index + 1 });
    else if (line === '}') around.pop();
    else if (line.endsWith('{')) around.push(opened(line.slice(0, -1).trim()));
  }
  return found;
};

export const leaves = (text: string): Leaves => new Map(lined(text).map(({ name, value }) => [name, value]));
