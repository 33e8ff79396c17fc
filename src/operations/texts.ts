/** Files of the operator's that settings name, read for rendering. */
import { isUtf8 } from 'node:buffer';
import { type AbsPath, operatorError } from '#base';
import type { RenderInput } from '#model';
import type { Context } from './operation.ts';

const MOST_OCTETS = 1024 * 1024;

const readText = async ({ machine }: Context, option: string, file: AbsPath): Promise<string> => {
  const no = (why: string, remedy: string): never => {
    throw operatorError({ code: 'config.file', message: `${file}, which ${option} names, ${why}`, remedy, detail: { path: option, file } });
  };
  const state = await machine.state(file);
  if (state?.kind !== 'file') return no(state === undefined ? 'does not exist' : 'is no file', 'Write the script there, or remove the option.');
  if (state.size > MOST_OCTETS) return no(`has ${state.size} octets`, `A script may have up to ${MOST_OCTETS}.`);
  const content = (await machine.read(file)) ?? Buffer.alloc(0);
  if (!isUtf8(content)) return no('is not UTF-8', 'Write a Sieve script in UTF-8.');
  if (content.includes(0)) return no('holds a NUL', 'Write a Sieve script in UTF-8.');
  return content.toString();
};

/** Throws `config.file`. */
export const textsOf = async (context: Context, { filters }: RenderInput['settings']): Promise<RenderInput['texts']> => {
  const named = Object.entries(filters).flatMap(([key, file]) => (file === undefined ? [] : [[`filters.${key}`, file] as const]));
  return Object.fromEntries(await Promise.all(named.map(async ([option, file]) => [file, await readText(context, option, file)] as const)));
};
