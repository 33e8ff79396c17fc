/**
 * Sieve scripts (RFC 5228): commands and tests as data. A quoted string escapes `"` and `\` only; line breaks stand as they are.
 * With the extension "variables" (RFC 5229) `${name}` is replaced in strings: literal text that holds `${` is then refused, and a
 * wanted variable is said with `ref`.
 */
import { bug, type Text } from '#base';
import { cannotHold, holds, keyOf } from './refusal.ts';
import { comment, header, joined } from './text.ts';
import type { Ref, Template } from './types.ts';
import { piecesOf, type WordSyntax } from './word.ts';

export interface Tag {
  readonly tag: string;
}
export type SieveString = string | Ref | Template;
/** In order of RFC 5228 section 2.4 and 2.6: strings, string lists, numbers, and tags such as `:is`. */
export type Argument = SieveString | number | Tag | readonly SieveString[];

export interface SieveTest {
  readonly test: string;
  readonly arguments?: readonly Argument[];
  /** Of `not`, `allof`, `anyof`. */
  readonly tests?: readonly SieveTest[];
}

export interface Command {
  readonly command: string;
  readonly arguments?: readonly Argument[];
  readonly test?: SieveTest;
  readonly block?: readonly Command[];
  readonly why?: string;
}

export interface SieveScript {
  /** Extensions of `require`; empty for none. */
  readonly require: readonly string[];
  readonly commands: readonly Command[];
}

export const tag = (name: string): Tag => ({ tag: name });

const FORMAT = 'a Sieve script';
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

type Writer = (value: SieveString) => string;

const stringWriter =
  (variables: boolean): Writer =>
  (value) => {
    const literal = (text: string): string => {
      holds(FORMAT, 'a string', text, /\r(?!\n)|(?<!\r)\n/);
      if (variables && text.includes('${')) throw cannotHold(FORMAT, 'a string', '"${", which starts a variable');
      return text.replace(/[\\"]/g, '\\$&');
    };
    const syntax: WordSyntax = {
      format: FORMAT,
      yes: 'true',
      no: 'false',
      secrets: false,
      literal,
      verbatim: literal,
      reference: (name) => `\${${name}}`,
    };
    if (typeof value === 'object' && !variables) throw bug('a variable in a Sieve script without require "variables"');
    return `"${piecesOf(value, syntax, 'a string').join('')}"`;
  };

const argument = (value: Argument, write: Writer): string => {
  if (typeof value === 'number') {
    if (!Number.isInteger(value) || value < 0 || value > 2 ** 31 - 1) throw bug(`${value} is not a Sieve number`);
    return String(value);
  }
  if (typeof value === 'object' && 'tag' in value) return `:${keyOf(FORMAT, value.tag, IDENTIFIER)}`;
  if (isStrings(value)) {
    if (value.length === 0) throw bug('a Sieve string list without strings');
    return `[${value.map(write).join(', ')}]`;
  }
  return write(value);
};

const isStrings = (value: Argument): value is readonly SieveString[] => Array.isArray(value);
const args = (values: readonly Argument[] | undefined, write: Writer): string => (values ?? []).map((value) => ` ${argument(value, write)}`).join('');

const testText = (test: SieveTest, write: Writer): string => {
  const name = `${keyOf(FORMAT, test.test, IDENTIFIER)}${args(test.arguments, write)}`;
  if (test.tests === undefined) return name;
  const inner = test.tests.map((each) => testText(each, write)).join(', ');
  return test.test === 'not' ? `${name} ${inner}` : `${name} (${inner})`;
};

const commandText = (command: Command, write: Writer, indent: string): string => {
  const head = `${comment(command.why, indent)}${indent}${keyOf(FORMAT, command.command, IDENTIFIER)}${args(command.arguments, write)}`;
  const test = command.test === undefined ? '' : ` ${testText(command.test, write)}`;
  if (command.block === undefined) return `${head}${test};\n`;
  return `${head}${test} {\n${command.block.map((each) => commandText(each, write, `${indent}  `)).join('')}${indent}}\n`;
};

export const renderSieve = (script: SieveScript): Text => {
  const write = stringWriter(script.require.includes('variables'));
  const required = script.require.length === 0 ? '' : commandText({ command: 'require', arguments: [script.require] }, write, '');
  return joined(header(), required, ...script.commands.map((command) => commandText(command, write, '')));
};
