/**
 * Words on the command line -> an operation and its input. Flags are derived from the operation's input schema: a boolean is
 * `--flag`, everything else `--flag VALUE`. Node's util.parseArgs reads the words.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { z } from 'zod';
import { nearest, operatorError } from '#base';
import type { AnyOperation } from '#operations';

export interface Invocation {
  readonly operation: AnyOperation;
  readonly input: Readonly<Record<string, unknown>>;
  readonly json: boolean;
  readonly yes: boolean;
  readonly help: boolean;
}

type Flags = NonNullable<ParseArgsConfig['options']>;

/** Every command has these. */
const COMMON: Flags = { json: { type: 'boolean' }, yes: { type: 'boolean', short: 'y' }, help: { type: 'boolean', short: 'h' } };

const inner = (schema: z.ZodType): z.ZodType => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return inner(schema.def.innerType as z.ZodType);
  return schema instanceof z.ZodPipe ? inner(schema.def.in as z.ZodType) : schema;
};

export const isBoolean = (schema: z.ZodType): boolean => inner(schema) instanceof z.ZodBoolean;

export const flagName = (key: string): string => key.replaceAll('_', '-');

/** Keys that are given as flags, not by position. */
export const flagKeys = (operation: AnyOperation): readonly string[] => {
  const positional = new Set(operation.positionals.map((each) => each.key));
  return Object.keys(operation.input.shape).filter((key) => !positional.has(key));
};

const flagsOf = (operation: AnyOperation): Flags =>
  Object.fromEntries(
    flagKeys(operation).map((key) => [flagName(key), { type: isBoolean(operation.input.shape[key]) ? 'boolean' : 'string' } as const]),
  );

const usage = (code: string, message: string, operation?: AnyOperation): Error =>
  operatorError({ code, message, remedy: `See 'hauspost ${operation === undefined ? '' : `${operation.name} `}--help'.` });

/** The operation whose name has the most of the leading words. */
const find = (operations: readonly AnyOperation[], words: readonly string[]): AnyOperation | undefined =>
  operations
    .filter((operation) => operation.name.split(' ').every((word, index) => words[index] === word))
    .toSorted((a, b) => b.name.length - a.name.length)[0];

const byPosition = (operation: AnyOperation, words: readonly string[]): Record<string, unknown> => {
  const input: Record<string, unknown> = {};
  let next = 0;
  for (const { key, rest } of operation.positionals) {
    if (rest === true) {
      input[key] = words.slice(next);
      next = words.length;
    } else if (next < words.length) {
      input[key] = words[next];
      next += 1;
    }
  }
  const extra = words[next];
  if (extra !== undefined) throw usage('usage.too-many-words', `${JSON.stringify(extra)} is one word too many`, operation);
  return input;
};

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

/** No option is a number: what looks like a negative one is a value, for the command to judge. */
const isNumber = (word: string | undefined): boolean => word !== undefined && /^-\d/.test(word);

/** What is wrong with an option as it was given, in one line that names it; undefined when it is right. */
const wrongWith = (token: OptionToken, flags: Flags): string | undefined => {
  const { name, rawName, value, inlineValue } = token;
  const flag = flags[name];
  if (flag === undefined) {
    const near = nearest(name, Object.keys(flags));
    return `there is no option ${JSON.stringify(rawName)}${near === undefined ? '' : `; is --${near} meant?`}`;
  }
  if (flag.type === 'boolean') return value === undefined ? undefined : `${rawName} takes no value, not ${JSON.stringify(value)}`;
  if (value === undefined) return `${rawName} needs a value`;
  if (inlineValue === false && value.startsWith('-') && !isNumber(value)) return `${rawName} needs a value before ${JSON.stringify(value)}`;
  return undefined;
};

const read = (operation: AnyOperation, words: readonly string[]): { values: Record<string, unknown>; positionals: readonly string[] } => {
  const flags = { ...COMMON, ...flagsOf(operation) };
  const { values, tokens } = parseArgs({ args: [...words], options: flags, allowPositionals: true, strict: false, tokens: true });
  const given = tokens.flatMap((token): readonly OptionToken[] => (token.kind === 'option' && !isNumber(words[token.index]) ? [token] : []));
  for (const token of given) {
    const problem = wrongWith(token, flags);
    if (problem !== undefined) throw usage('usage.flag', problem, operation);
  }
  const twice = given.find(({ name }, index) => flags[name]?.type === 'string' && given.findIndex((other) => other.name === name) < index);
  if (twice !== undefined) throw usage('usage.flag', `${twice.rawName} is given twice`, operation);
  // Of `-12` there are two tokens.
  const places = new Set(
    tokens.flatMap(({ kind, index }) => (kind === 'positional' || (kind === 'option' && isNumber(words[index])) ? [index] : [])),
  );
  return {
    values: Object.fromEntries(Object.entries(values).filter(([name]) => flags[name] !== undefined)),
    positionals: [...places].map((index) => words[index] ?? ''),
  };
};

/** Commands that begin with the word: `domain` has add, list and remove. */
export const groupOf = (operations: readonly AnyOperation[], word: string): readonly AnyOperation[] =>
  operations.filter((operation) => operation.name.startsWith(`${word} `));

/** Words of other programs for what we call otherwise. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  add: ['create', 'new', 'insert'],
  remove: ['rm', 'del', 'delete', 'drop'],
  list: ['ls', 'show', 'get'],
  set: ['change', 'edit', 'modify', 'update', 'disable', 'enable'],
  passwd: ['password', 'pw'],
};

/** The command of the group that somebody meant by a word of another program. */
const bySynonym = (operations: readonly AnyOperation[], group: string, word: string): string | undefined =>
  groupOf(operations, group).find(({ name }) => SYNONYMS[name.slice(group.length + 1)]?.includes(word) === true)?.name;

const noCommand = (operations: readonly AnyOperation[], words: readonly string[]): Error => {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  if (first === undefined)
    return operatorError({
      code: 'usage.command',
      message: 'no command was given',
      remedy: "'up' makes this machine a mail server, 'status' shows how it is, '--help' all that there is.",
    });
  const of = groupOf(operations, first).map(({ name }) => name.slice(first.length + 1));
  if (of.length > 0 && second === undefined) {
    return operatorError({ code: 'usage.command', message: `what about the ${first}? ${of.join(', ')}`, remedy: `See 'hauspost ${first} --help'.` });
  }
  const given = second === undefined ? first : `${first} ${second}`;
  const names = operations.map(({ name }) => name);
  const near = bySynonym(operations, first, second ?? '') ?? nearest(given, names) ?? nearest(first, names);
  return usage('usage.command', `there is no command ${JSON.stringify(given)}${near === undefined ? '' : `; is ${JSON.stringify(near)} meant?`}`);
};

export const interpret = (operations: readonly AnyOperation[], words: readonly string[]): Invocation => {
  const operation = find(
    operations,
    words.filter((word) => !word.startsWith('-')),
  );
  if (operation === undefined) throw noCommand(operations, words);
  const names = operation.name.split(' ');
  let left = names.length;
  const rest = words.filter((word) => {
    if (left > 0 && word === names[names.length - left]) {
      left -= 1;
      return false;
    }
    return true;
  });
  const { values, positionals } = read(operation, rest);
  const { json = false, yes = false, help = false, ...flags } = values;
  const named = Object.fromEntries(Object.entries(flags).map(([flag, value]) => [flag.replaceAll('-', '_'), value]));
  return {
    operation,
    input: { ...named, ...(help === true ? {} : byPosition(operation, positionals)) },
    json: json === true,
    yes: yes === true,
    help: help === true,
  };
};

/** Input as the operation wants it; what is missing or wrong is named by its flag or position. */
export const validated = (operation: AnyOperation, input: Readonly<Record<string, unknown>>): unknown => {
  const parsed = operation.input.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const key = String(issue?.path[0] ?? '');
  const byPlace = operation.positionals.some((each) => each.key === key);
  const name = byPlace ? key.toUpperCase() : `--${flagName(key)}`;
  const given = input[key];
  const isMissing = given === undefined || (byPlace && Array.isArray(given) && given.length === 0);
  const what = operation.input.shape[key]?.description;
  throw usage('usage.value', isMissing ? `${name} is missing: ${what}` : `${name}: ${issue?.message ?? 'wrong'}`, operation);
};
