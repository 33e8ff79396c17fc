/** A value as it is written in the file. */
import type { Default, Written } from './option.ts';

const quoted = (text: string): string => JSON.stringify(text);

/** A TOML literal. For values of our own declarations: plain text without control characters, where JSON and TOML agree. */
export const written = (value: Written): string => {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'object') return `[${value.map(quoted).join(', ')}]`;
  return String(value);
};

/** As it would stand in the file; nothing where there is nothing to write. */
export const writtenDefault = (standard: Default): string | undefined => {
  if (standard.is === 'fixed') return written(standard.value);
  return standard.is === 'auto' ? '"auto"' : undefined;
};
