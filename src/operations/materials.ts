/** What the daemons need and no renderer writes: certificates, DKIM keys where Rspamd and Unbound read them, the password for the relay host. */
import { createHash } from 'node:crypto';
import type { Desired, Lack, Materials } from '#apply';
import { type AbsPath, operatorError, path } from '#base';
import { publishDkimKeys } from '#dkim';
import { contentAt } from '#machine';
import type { RenderInput, Wake } from '#model';
import { RELAY_PASSWORD } from '#services';
import { refuseWrongFiles } from '#tls';
import { showKeysOf } from './dkim-resolver.ts';
import type { Context } from './operation.ts';
import { keyringOf, secretsOf } from './secrets.ts';
import { ensureCertificate, wantedOfCertificate } from './server-certificate.ts';

/** Each reads the certificate when it starts, and again when it is told to. */
export const READERS: readonly Wake[] = [
  { service: 'postfix', by: 'reload' },
  { service: 'dovecot', by: 'reload' },
  { service: 'nginx', by: 'reload' },
];

/** Which chain daemons have read. It stands for the key as well: a pair that does not match is refused. */
const inService = ({ wiring: { places } }: RenderInput): AbsPath => path(`${places.state}/certificate`);

const fingerprint = async ({ machine }: Context, { wiring: { places } }: RenderInput): Promise<string> =>
  createHash('sha256')
    .update((await contentAt(machine, places['tls-chain'])) ?? '')
    .digest('hex');

/** The last one that daemons have read, if it was noted. */
const served = async ({ machine }: Context, input: RenderInput): Promise<string | undefined> =>
  (await machine.read(inService(input)))?.toString().trim();

/** Whether the file that lies there is the one that daemons have read. */
export const isServed = async (context: Context, input: RenderInput): Promise<boolean> =>
  (await served(context, input)) === (await fingerprint(context, input));

/** What would be made, or what has become of the file since daemons have read it. */
const wantedOf = async (context: Context, input: RenderInput): Promise<Lack['action'] | undefined> => {
  const wanted = await wantedOfCertificate(context, input);
  if (wanted !== undefined) return wanted;
  const known = await served(context, input);
  return known === (await fingerprint(context, input)) ? undefined : known === undefined ? 'create' : 'change';
};

/** What is to be made of it, or to be read. */
export const certificateLacks = async (context: Context, input: RenderInput): Promise<readonly Lack[]> => {
  const action = await wantedOf(context, input);
  return action === undefined ? [] : [{ kind: 'certificate', target: input.wiring.places['tls-chain'], action, wakes: READERS }];
};

/** The same, of which it is known that daemons have read another one. */
export const isUnread = async (context: Context, input: RenderInput): Promise<boolean> => {
  const known = await served(context, input);
  return known !== undefined && known !== (await fingerprint(context, input));
};

/** The operator's own key and chain. */
export const refuseWrongTls = async (context: Context, input: RenderInput): Promise<void> => {
  const { settings, wiring } = input;
  if (settings.tls.source !== 'files') return;
  const files = { key: wiring.places['tls-key'], chain: wiring.places['tls-chain'] };
  await refuseWrongFiles(context.machine, files, !(await isServed(context, input)));
};

const wrongFile = (file: AbsPath, why: string, remedy: string): Error =>
  operatorError({ code: 'relay.password-file', message: `${file}, which outgoing.relay_password_file names, ${why}`, remedy, detail: { file } });

/** The first line of a file that root alone may read. */
const writtenPassword = async ({ machine }: Context, file: AbsPath): Promise<string> => {
  const state = await machine.state(file);
  if (state?.kind !== 'file') throw wrongFile(file, state === undefined ? 'does not exist' : 'is no file', 'Write the password on its first line.');
  if (!state.owner.startsWith('root:') || (state.mode & 0o077) !== 0)
    throw wrongFile(file, 'can be read by others', `Run: chown root:root ${file}; chmod 600 ${file}`);
  const [line = ''] = ((await machine.read(file))?.toString() ?? '').split(/\r?\n/);
  if (!/^[ -~]{1,255}$/.test(line) || line !== line.trim())
    throw wrongFile(file, 'holds no password on its first line', 'Write 1 to 255 characters of ASCII, no blank before or after.');
  return line;
};

const relayPassword = async (context: Context, { settings: { outgoing } }: RenderInput): Promise<{ file: AbsPath; line: string } | undefined> => {
  if (outgoing.relay === null || outgoing.relay.login === null) return undefined;
  const { passwordFile: file } = outgoing.relay.login;
  return { file, line: await writtenPassword(context, file) };
};

const secret = async (context: Context, input: RenderInput): Promise<readonly Lack[]> => {
  const password = await relayPassword(context, input);
  const known = await secretsOf(context).get(RELAY_PASSWORD.secret);
  if (password === undefined || password.line === known) return [];
  return [{ kind: 'secret', target: password.file, action: known === undefined ? 'create' : 'change', wakes: [] }];
};

export const materialsFor = (context: Context): Materials => ({
  missing: async ({ input }: Desired) => {
    await refuseWrongTls(context, input);
    return [...(await certificateLacks(context, input)), ...(await secret(context, input))];
  },
  again: async ({ input }: Desired) => {
    const made = await certificateLacks(context, input);
    if (made.length > 0) await ensureCertificate(context, input);
    await showKeysOf(context, input.settings);
    return made.flatMap(({ wakes }) => wakes);
  },
  make: async ({ input }: Desired) => {
    await ensureCertificate(context, input);
    await publishDkimKeys(keyringOf(context));
    await showKeysOf(context, input.settings);
    const password = await relayPassword(context, input);
    if (password !== undefined) await secretsOf(context).put(RELAY_PASSWORD.secret, password.line);
  },
  noted: async ({ input }: Desired) => {
    const read = await fingerprint(context, input);
    return async () => {
      if (read !== (await served(context, input))) await context.machine.write(inService(input), `${read}\n`, { owner: 'root:root', mode: 0o600 });
    };
  },
});
