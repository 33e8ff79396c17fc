/** `config check`, `config explain`, `config example`: they read, or not even that, and need no root. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { environmentError, operatorError, path } from '#base';
import { configError, exampleConfig, explain as explainKey, parseConfig } from '#config';
import { readConfigText } from './desired.ts';
import { operation } from './operation.ts';

const unreadable = (where: string, error: unknown): unknown => {
  const symbol = error instanceof Error && 'code' in error ? error.code : undefined;
  if (symbol === 'EISDIR') return operatorError({ code: 'config.no-file', message: `${where} is a directory`, remedy: 'Name a file.' });
  if (symbol === 'EACCES')
    return environmentError({ code: 'config.unreadable', message: `${where} may not be read by this user`, remedy: 'Run it with sudo.' });
  return error;
};

export const check = operation({
  name: 'config check',
  summary: 'Reports every mistake in the configuration, with line and remedy.',
  example: 'hauspost config check /etc/hauspost/hauspost.toml',
  positionals: [{ key: 'file' }],
  input: z.object({ file: z.string().optional().describe('the file to check instead of /etc/hauspost/hauspost.toml') }),
  output: z.object({ file: z.string(), ok: z.literal(true) }),
  needs: 'nothing',
  run: async (context, { file }) => {
    const where = file === undefined ? context.configFile : path(resolve(file));
    const text = await readConfigText({ ...context, configFile: where }).catch((error: unknown) => {
      throw unreadable(where, error);
    });
    if (text === undefined) {
      const remedy = file === undefined ? `'${context.program} up' writes one.` : 'Name an existing file.';
      throw operatorError({ code: 'config.missing', message: `${where} does not exist`, remedy });
    }
    const parsed = parseConfig(text, where);
    if (!parsed.ok) throw configError(parsed.errors);
    return { file: where, ok: true as const };
  },
});

const option = z.object({
  what: z.literal('option'),
  key: z.string(),
  type: z.string(),
  allowed: z.string(),
  required: z.boolean(),
  default: z.string().optional(),
  auto: z.string().optional(),
  doc: z.string(),
  why: z.string(),
  example: z.string(),
  since: z.string(),
});
const section = z.object({ what: z.literal('section'), key: z.string(), doc: z.string(), options: z.array(option).readonly() });

export const explain = operation({
  name: 'config explain',
  summary: 'Explains one option or one section of the configuration.',
  example: 'hauspost config explain mail.message_size_limit',
  positionals: [{ key: 'key' }],
  input: z.object({ key: z.string().describe('an option such as mail.message_size_limit, or a section such as mail') }),
  output: z.union([option, section]) as z.ZodType<ReturnType<typeof explainKey>>,
  needs: 'nothing',
  run: (_context, { key }) => Promise.resolve(explainKey(key)),
});

export const example = operation({
  name: 'config example',
  summary: 'Prints a complete configuration with comments.',
  example: 'hauspost config example',
  positionals: [],
  input: z.object({}),
  output: z.object({ text: z.string() }),
  needs: 'nothing',
  run: () => Promise.resolve({ text: exampleConfig() }),
});
