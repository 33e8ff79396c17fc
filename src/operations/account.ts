/** `account add`, `account set`, `account passwd`, `account list`, `account remove`. */
import { z } from 'zod';
import { type MailAddress, operatorError, parseDomain, parseMailAddress, parseMegabytes, splitAddress } from '#base';
import { accounts, type Dangling, generatePassword, hashPassword, type PasswordHash, parsePasswordHash } from '#directory';
import type { Finding } from '#model';
import { type Consent, type Context, listing, operation } from './operation.ts';
import { endReading, endSessions } from './sessions.ts';
import { finding, fromDirectory, keepingPostmaster, requireConsent, tried, warned, withDirectory } from './people.ts';
import { addAccount, removing } from './removals.ts';
import { withUsage } from './usage.ts';

const address = z.string().describe('a whole address such as user@example.org');

const passwordFlags = {
  password_stdin: z.boolean().optional().describe('read the password from standard input, one line'),
  password_hash_stdin: z.boolean().optional().describe('read a hash such as {BLF-CRYPT}$2y$... from standard input, one line'),
  password_prompt: z.boolean().optional().describe('ask for the password at the terminal; without any of these one is generated and shown once'),
};

type PasswordFlags = { readonly [K in keyof typeof passwordFlags]?: boolean | undefined };

interface Chosen {
  readonly hash: PasswordHash;
  /** To be shown once the account exists. */
  readonly generated?: string;
}

const choosePassword = async (context: Context, flags: PasswordFlags): Promise<Chosen> => {
  const given = Object.entries(flags).filter(([, value]) => value === true);
  if (given.length > 1) {
    const names = given.map(([key]) => `--${key.replaceAll('_', '-')}`);
    throw operatorError({
      code: 'account.passwords',
      message: `${names.join(', ')}: one password, several ways to give it`,
      remedy: 'Use one of them.',
    });
  }
  if (flags.password_hash_stdin === true) return { hash: parsePasswordHash(await context.secret('stdin')) };
  if (flags.password_stdin === true) return { hash: await hashPassword(await context.secret('stdin')) };
  if (flags.password_prompt === true) return { hash: await hashPassword(await context.secret('terminal')) };
  const generated = generatePassword();
  return { hash: await hashPassword(generated), generated };
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
    quota: z.string().optional().describe('the mailbox may hold this much, e.g. 2G or 500M (a bare number is MB); 0 is unlimited'),
    send_only: z.boolean().optional().describe('may send mail and receives none'),
    disabled: z.boolean().optional().describe('cannot log in and receives no mail until it is enabled'),
    ...passwordFlags,
  }),
  output: account.extend({ warnings: z.array(finding).readonly() }),
  needs: 'server',
  run: (context, { address: given, quota, send_only, disabled, ...flags }) =>
    withDirectory(async (directory) => {
      const whose = parseMailAddress(given);
      const quotaMb = quota === undefined ? null : parseMegabytes(quota);
      const { hash, generated } = await choosePassword(context, flags);
      const wanted = { address: whose, passwordHash: hash, quotaMb, enabled: disabled !== true, sendOnly: send_only === true };
      const added = await addAccount(context, directory, wanted);
      if (generated !== undefined) context.reporter.emit({ kind: 'password', whose, password: generated });
      return { ...shown(added.account), warnings: warned(context, added.warnings) };
    }),
});

/** One of two opposite flags; undefined for neither. */
const either = (yes: boolean | undefined, no: boolean | undefined, names: string): boolean | undefined => {
  if (yes === true && no === true) {
    throw operatorError({ code: 'account.both', message: `${names} contradict each other`, remedy: 'Use one of them.' });
  }
  return yes === true ? true : no === true ? false : undefined;
};

export const set = operation({
  name: 'account set',
  summary: 'Changes an account; what is not named stays.',
  example: 'hauspost account set user@example.org --quota 5G',
  positionals: [{ key: 'address' }],
  input: z.object({
    address,
    quota: z
      .string()
      .optional()
      .describe("the mailbox may hold this much, e.g. 2G or 500M (a bare number is MB); 0 is unlimited, 'default' what the configuration says"),
    send_only: z.boolean().optional().describe('may send mail and receives none'),
    no_send_only: z.boolean().optional().describe('receives mail, too'),
    disabled: z.boolean().optional().describe('cannot log in and receives no mail; running sessions end'),
    enabled: z.boolean().optional().describe('can log in and receives mail again'),
  }),
  output: account.extend({ warnings: z.array(finding).readonly() }),
  needs: 'server',
  run: (context, input) =>
    withDirectory(async (directory) => {
      const whose = parseMailAddress(input.address);
      const sendOnly = either(input.send_only, input.no_send_only, '--send-only and --no-send-only');
      const enabled = either(input.enabled, input.disabled, '--enabled and --disabled');
      const quotaMb = input.quota === undefined ? undefined : input.quota === 'default' ? null : parseMegabytes(input.quota);
      if (sendOnly === undefined && enabled === undefined && quotaMb === undefined) {
        const flags = '--quota, --send-only, --no-send-only, --disabled, --enabled';
        throw operatorError({ code: 'account.nothing', message: `nothing to change was named for ${whose}`, remedy: `Use one of ${flags}.` });
      }
      const wanted = {
        ...(quotaMb === undefined ? {} : { quotaMb }),
        ...(enabled === undefined ? {} : { enabled }),
        ...(sendOnly === undefined ? {} : { sendOnly }),
      };
      const changed = await keepingPostmaster(context, directory, () => accounts.change(directory, whose, wanted));
      const result = { ...shown(changed.account), warnings: warned(context, changed.warnings) };
      if (enabled === false) await endSessions(context, directory, splitAddress(whose));
      else if (sendOnly === true) await endReading(context, splitAddress(whose));
      return result;
    }),
});

export const passwd = operation({
  name: 'account passwd',
  summary: 'Gives an account another password; running sessions end.',
  example: 'hauspost account passwd user@example.org',
  positionals: [{ key: 'address' }],
  input: z.object({ address, ...passwordFlags }),
  output: z.object({ address: z.string() }),
  needs: 'server',
  run: (context, { address: given, ...flags }) =>
    withDirectory(async (directory) => {
      const whose = parseMailAddress(given);
      await accounts.get(directory, whose);
      const { hash, generated } = await choosePassword(context, flags);
      await accounts.change(directory, whose, { passwordHash: hash });
      if (generated !== undefined) context.reporter.emit({ kind: 'password', whose, password: generated });
      await endSessions(context, directory, splitAddress(whose));
      return { address: whose };
    }),
});

export const list = listing({
  name: 'account list',
  summary: 'Lists accounts, of one domain or of all.',
  example: 'hauspost account list example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({
    domain: z.string().optional().describe('only accounts of this domain'),
    usage: z.boolean().optional().describe('also how much each mailbox holds, which Dovecot is asked for'),
  }),
  element: account.extend({ used_mb: z.number().optional() }),
  needs: 'server',
  elements: (context, { domain, usage }) =>
    fromDirectory(async function* (directory) {
      const listed = accounts.list(directory, domain === undefined ? {} : { domain: parseDomain(domain) });
      if (usage !== true) for await (const each of listed) yield shown(each);
      else for await (const { usedMb, ...each } of withUsage(context.machine, listed)) yield { ...shown(each), used_mb: usedMb };
    }),
});

/** Names what was shown: an alias that leads here since needs another yes. */
const removal = (whose: MailAddress, deleted: boolean, dangling: readonly Dangling[]): Consent => ({
  id: `account-remove:${whose}:${deleted}:${JSON.stringify(dangling)}`,
  text: dangling.map(({ source, destination }) => `  ${source} -> ${destination} would lead nowhere`).join('\n'),
  question: deleted ? `Remove ${whose}, and delete all its mail for good?` : `Remove ${whose}, and move its mail aside?`,
});

const leadsNowhere = ({ source, destination }: Dangling): Finding => ({
  level: 'warning',
  code: 'account.dangling-alias',
  message: `the alias ${source} still leads to ${destination}, where nobody is`,
  remedy: `'hauspost alias remove ${source} ${destination}' takes that out.`,
});

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
  needs: 'server',
  consents: async (context, input) => {
    const whose = parseMailAddress(input.address);
    const { dangling } = await tried(context, (directory) => accounts.remove(directory, whose));
    return [removal(whose, input.delete_mail === true, dangling)];
  },
  run: async (context, input) => {
    const whose = parseMailAddress(input.address);
    const deleted = input.delete_mail === true;
    const { local, domain } = splitAddress(whose);
    return withDirectory((directory) =>
      removing(context, directory, { local, domain, deleted }, async (mail) => {
        const rows = async (): ReturnType<typeof accounts.remove> => {
          const removed = await accounts.remove(directory, whose);
          requireConsent(context, removal(whose, deleted, removed.dangling).id);
          return removed;
        };
        const { dangling } = await keepingPostmaster(context, directory, rows, mail.begins);
        warned(context, dangling.map(leadsNowhere));
        return { address: whose, moved_to: await mail.ends(true), dangling };
      }),
    );
  },
});
