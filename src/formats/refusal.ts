/**
 * What a format cannot hold is refused, never dropped or mangled. The value comes from the operator (our own constants are
 * tested), so the operator is told which parameter and which character it is.
 */
import { bug, type HauspostError, operatorError } from '#base';

const NAMES: Readonly<Record<string, string>> = {
  '\0': 'a NUL character',
  '\n': 'a line break',
  '\r': 'a carriage return',
  '\t': 'a tab',
  ' ': 'a blank',
  '"': 'a double quote',
  "'": 'a single quote',
  '\\': 'a backslash',
  ',': 'a comma',
  $: 'a dollar sign',
  '{': 'an opening brace',
  '}': 'a closing brace',
};

export const nameOfCharacter = (character: string): string => {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return NAMES[character] ?? (/[!-~]/.test(character) ? `the character ${character}` : `the character ${code}`);
};

/** `format`: the file's kind as people know it, e.g. `main.cf`; `where`: the parameter; `what`: e.g. `a line break`. */
export const cannotHold = (format: string, where: string, what: string): HauspostError =>
  operatorError({
    code: 'format.cannot-hold',
    message: `the value of ${where} holds ${what}, which ${format} cannot hold there`,
    remedy: `Choose a value for ${where} without it.`,
    detail: { format, parameter: where, character: what },
  });

/** Refuses the first match of `characters`, and NUL and lone surrogates (text that is not Unicode) always. Answers with the text. */
export const holds = (format: string, where: string, text: string, characters?: RegExp): string => {
  if (text.includes('\0')) throw cannotHold(format, where, nameOfCharacter('\0'));
  if (!text.isWellFormed()) throw cannotHold(format, where, 'half a character (a lone surrogate)');
  const found = characters === undefined ? null : characters.exec(text);
  if (found !== null) throw cannotHold(format, where, nameOfCharacter(found[0]));
  return text;
};

/** Refuses blanks at either end, for formats that trim. */
export const untrimmed = (format: string, where: string, text: string): string => {
  if (/^[ \t\r\n\v\f]/.test(text)) throw cannotHold(format, where, 'a blank at its beginning');
  if (/[ \t\r\n\v\f]$/.test(text)) throw cannotHold(format, where, 'a blank at its end');
  return text;
};

export const atMost = (format: string, where: string, octets: number, text: string): string => {
  const length = Buffer.byteLength(text);
  if (length > octets) throw cannotHold(format, where, `${length} octets (at most ${octets} fit)`);
  return text;
};

/** Keys, block names and references are ours: a wrong one is a defect, not the operator's mistake. */
export const keyOf = (format: string, key: string, allowed: RegExp): string => {
  if (!allowed.test(key)) throw bug(`${JSON.stringify(key)} cannot be a name in ${format}`);
  return key;
};
