/** `dkim export`: the public record of a key; the private key only where somebody asks for it in so many words. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { operatorError, parseAbsPath, parseDomain } from '#base';
import { keysOf, privateKey, recordName } from '#dkim';
import { dkimRecordText } from '#formats';
import { type Context, operation } from './operation.ts';
import { keyringOf } from './secrets.ts';

const unknown = (domain: string, selector: string, has: readonly string[]): Error =>
  operatorError({
    code: 'dkim.unknown-key',
    message: `${domain} has no DKIM key with the selector ${JSON.stringify(selector.slice(0, 130))}${has.length === 0 ? '' : `; it has ${has.join(', ')}`}`,
    remedy: "See 'hauspost dkim list'.",
    detail: { domain, selector: selector.slice(0, 300) },
  });

/** A new file that root alone reads; what is there already is left alone. */
const written = async ({ machine }: Context, given: string, pem: string): Promise<string> => {
  const file = parseAbsPath(given === '' || given.startsWith('/') ? given : resolve(given));
  if ((await machine.state(file)) !== undefined)
    throw operatorError({
      code: 'dkim.file-exists',
      message: `${file} exists already`,
      remedy: 'Name a file that is not there yet.',
      detail: { file },
    });
  await machine.write(file, pem, { owner: 'root:root', mode: 0o600 });
  return file;
};

export const exportKey = operation({
  name: 'dkim export',
  summary: 'Prints the public record of a DKIM key; with --private the private key, or writes it to a file that root alone may read.',
  example: 'hauspost dkim export example.org h20261124',
  positionals: [{ key: 'domain' }, { key: 'selector' }],
  input: z.object({
    domain: z.string().describe('the domain'),
    selector: z.string().describe('as dkim list shows it'),
    private: z.boolean().optional().describe('the private key (PEM) instead: who has it can sign in the name of the domain'),
    file: z.string().optional().describe('where to write the private key to; a new file, 0600'),
  }),
  output: z.object({
    domain: z.string(),
    selector: z.string(),
    record: z.object({ name: z.string(), type: z.literal('TXT'), text: z.string() }),
    private_key: z.string().nullable().describe('only with --private and without --file'),
    file: z.string().nullable(),
  }),
  needs: 'server',
  run: async (context, input) => {
    const domain = parseDomain(input.domain);
    if (input.file !== undefined && input.private !== true)
      throw operatorError({ code: 'usage.value', message: '--file goes with --private', remedy: "See 'hauspost dkim export --help'." });
    const keyring = keyringOf(context);
    const keys = await keysOf(keyring, domain);
    const key = keys.find(({ selector }) => selector === input.selector);
    const pem = key === undefined ? undefined : await privateKey(keyring, domain, key.selector);
    if (key === undefined || pem === undefined)
      throw unknown(
        domain,
        input.selector,
        keys.map(({ selector }) => selector),
      );
    const { selector, publicKey } = key;
    return {
      domain,
      selector,
      record: { name: recordName({ domain, selector }), type: 'TXT' as const, text: dkimRecordText(publicKey) },
      private_key: input.private === true && input.file === undefined ? pem : null,
      file: input.file === undefined ? null : await written(context, input.file, pem),
    };
  },
});
