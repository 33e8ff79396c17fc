/** Help texts, derived from the table. */
import { hanging } from '#base';
import type { AnyOperation } from '#operations';
import type { z } from 'zod';
import { flagKeys, flagName, isBoolean } from './arguments.ts';

/** Also a list that may be empty, which words that are left out come to. */
const isOptional = (schema: z.ZodType): boolean => schema.safeParse(undefined).success || schema.safeParse([]).success;

const positionals = (operation: AnyOperation): string =>
  operation.positionals
    .map(({ key, rest }) => {
      const word = `${key.toUpperCase()}${rest === true ? '...' : ''}`;
      return isOptional(operation.input.shape[key]) ? `[${word}]` : word;
    })
    .join(' ');

/** Two columns, the right one within the width of a terminal. */
const table = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  const indent = ' '.repeat(width + 4);
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${hanging(right, indent)}`).join('\n');
};

const describe = (operation: AnyOperation, key: string): string => operation.input.shape[key].description ?? '';

export const helpFor = (operation: AnyOperation): string => {
  const flags = flagKeys(operation).map((key): readonly [string, string] => [
    `--${flagName(key)}${isBoolean(operation.input.shape[key]) ? '' : ' VALUE'}`,
    describe(operation, key),
  ]);
  const words = operation.positionals.map(({ key }): readonly [string, string] => [key.toUpperCase(), describe(operation, key)]);
  const common: readonly (readonly [string, string])[] = [
    ['--json', 'print the result as one JSON document'],
    ...('elements' in operation || operation.consents === undefined ? [] : [['--yes', 'answer every question with yes'] as const]),
  ];
  const usage = ['hauspost', operation.name, positionals(operation), flags.length > 0 ? '[options]' : ''].filter((part) => part !== '').join(' ');
  return `${hanging(operation.summary, '')}\n\nUsage: ${usage}\n\n${table([...words, ...flags, ...common])}\n\nExample:\n  ${operation.example}\n`;
};

/** Of the commands that share their first word. */
export const helpForGroup = (operations: readonly AnyOperation[]): string =>
  `${table(operations.map((operation) => [`hauspost ${operation.name}`, operation.summary]))}\n\nhauspost COMMAND --help explains one of them.\n`;

/** Its first clause: the rest is for who asks for that command. */
const inShort = ({ summary }: AnyOperation): string => summary.replace(/[;:] .*$/, '.');

export const helpForAll = (operations: readonly AnyOperation[], version: string): string =>
  `Hauspost ${version}: a complete mail server on this Debian machine.\n\nUsage: hauspost COMMAND [options]\n\n` +
  `${table(operations.map((operation) => [operation.name, inShort(operation)]))}\n\nhauspost COMMAND --help explains one of them.\n`;
