/** `account add`, `account list`, `account remove`. */
import { z } from 'zod';
import { type AbsPath, type MailAddress, operatorError, parseDomain, parseMailAddress, parseMegabytes, path, splitAddress } from '#base';
import { accounts, generatePassword, hashPassword, type PasswordHash, parsePasswordHash } from '#directory';
import { type Context, operation } from './operation.ts';
import { finding, withDirectory } from './people.ts';

const address = z.string().describe('a whole address such as user@example.org');

const passwordFlags = {
  password_stdin: z.boolean().optional().describe('read the password from standard input, one line'),
  password_hash_stdin: z.boolean().optional().describe('read a hash such as {BLF-CRYPT}$2y$... from standard input, one line'),
  password_prompt: z.boolean().optional().describe('ask for the password at the terminal; without any of these one is generated and shown once'),
};

type PasswordFlags = { readonly [K in keyof typeof passwordFlags]?: boolean | undefined };

const passwordHash = async (context: Context, whose: MailAddress, flags: PasswordFlags): Promise<PasswordHash> => {
  const given = Object.entries(flags).filter(([, value]) => value === true);
  if (given.length > 1) throw operatorError({ code: 'account.passwords', message: 'several ways to give the password', remedy: 'Use one of them.' });
  if (flags.password_hash_stdin === true) return parsePasswordHash(await context.secret('stdin'));
  if (flags.password_stdin === true) return hashPassword(await context.secret('stdin'));
  if (flags.password_prompt === true) return hashPassword(await context.secret('terminal'));
  const password = generatePassword();
  context.reporter.emit({ kind: 'password', whose, password });
  return hashPassword(password);
};

const account = z.object({ address: z.string(), quota_mb: z.number().nullable(), enabled: z.boolean(), send_only: z.boolean() });
const shown = (each: { address: string; quotaMb: number | null; enabled: boolean; sendOnly: boolean }): z.output<typeof account> => ({
  address: each.address,
  quota_mb: each.quotaMb,
  enabled: each.enabled,
  send_only: each.sendOnly,
});

export const add = operation({
  name: 'account add',
  summary: 'Adds an account: somebody, or a program, with a password.',
  example: 'hauspost account add user@example.org --quota 2G',
  positionals: [{ key: 'address' }],
  input: z.object({
    address,
    quota: z.string().optional().describe('the mailbox may hold this much, e.g. 2G; 0 is unlimited'),
    send_only: z.boolean().optional().describe('may send mail and receives none'),
    disabled: z.boolean().optional().describe('cannot log in and receives no mail until it is enabled'),
    ...passwordFlags,
  }),
  output: account.extend({ warnings: z.array(finding).readonly() }),
  needs: 'root',
  run: (context, { address: given, quota, send_only, disabled, ...flags }) =>
    withDirectory(async (directory) => {
      const whose = parseMailAddress(given);
      const quotaMb = quota === undefined ? null : parseMegabytes(quota);
      const hash = await passwordHash(context, whose, flags);
      const added = await accounts.add(directory, {
        address: whose,
        passwordHash: hash,
        quotaMb,
        enabled: disabled !== true,
        sendOnly: send_only === true,
      });
      return { ...shown(added.account), warnings: added.warnings };
    }),
});

export const list = operation({
  name: 'account list',
  summary: 'Lists accounts, of one domain or of all.',
  example: 'hauspost account list example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({ domain: z.string().optional().describe('only accounts of this domain') }),
  output: z.array(account).readonly(),
  needs: 'root',
  run: (_context, { domain }) =>
    withDirectory(async (directory) => {
      const listed = accounts.list(directory, domain === undefined ? {} : { domain: parseDomain(domain) });
      return Array.fromAsync(listed, shown);
    }),
});

const MAIL = path('/var/vmail');

/** A successor of the same name must not find the mail. The folder below `removed` holds mailboxes and filters. */
const putMailAside = async ({ machine }: Context, whose: MailAddress): Promise<AbsPath | null> => {
  const { local, domain } = splitAddress(whose);
  const aside = path(`${MAIL}/removed/${whose}.${machine.now().toISOString().replace(/[:.]/g, '-')}`);
  let moved: AbsPath | null = null;
  for (const part of ['mailboxes', 'sieve']) {
    const folder = path(`${MAIL}/${part}/${domain}/${local}`);
    if ((await machine.state(folder)) === undefined) continue;
    await machine.makeDir(path(`${MAIL}/removed`), { owner: 'root:root', mode: 0o700 });
    await machine.makeDir(aside, { owner: 'root:root', mode: 0o700 });
    await machine.rename(folder, path(`${aside}/${part}`));
    moved = aside;
  }
  return moved;
};

export const remove = operation({
  name: 'account remove',
  summary: 'Removes an account; its mail is moved aside.',
  example: 'hauspost account remove user@example.org',
  positionals: [{ key: 'address' }],
  input: z.object({ address, delete_mail: z.boolean().optional().describe('delete the mail instead of moving it aside') }),
  output: z.object({
    address: z.string(),
    moved_to: z.string().nullable(),
    dangling: z.array(z.object({ source: z.string(), destination: z.string() })).readonly(),
  }),
  needs: 'root',
  consents: (_context, input) =>
    Promise.resolve(
      input.delete_mail === true
        ? [{ id: `account-delete-mail:${input.address}`, text: '', question: `Delete all mail of ${input.address} for good?` }]
        : [],
    ),
  run: async (context, input) => {
    const whose = parseMailAddress(input.address);
    const { dangling } = await withDirectory((directory) => accounts.remove(directory, whose));
    // Status 68 (EX_NOHOST) only says that nobody of that name was logged in (doveadm-kick(1)).
    await context.machine.run(['doveadm', 'kick', whose]);
    const moved = await putMailAside(context, whose);
    if (input.delete_mail !== true || moved === null) return { address: whose, moved_to: moved, dangling };
    await context.machine.remove(moved);
    return { address: whose, moved_to: null, dangling };
  },
});
