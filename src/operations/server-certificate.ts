/** The server's own key and certificate, by the source that the configuration names: what is wanted of it, and what makes it without asking anybody. */
import { type AbsPath, path } from '#base';
import type { RenderInput } from '#model';
import { DUE } from '#services';
import { certificateAt, ensureOwnCa, ensureSigned, isSigned, type SignedRequest, signAnew, wantedOfOwnCa, wantedOfSigned } from '#tls';
import type { Context } from './operation.ts';
import { forgetSeen } from './rollover-progress.ts';

export const signedRequest = ({ settings, wiring: { places } }: RenderInput): SignedRequest => ({
  names: [settings.hostname, ...(settings.profile === 'local' ? ['localhost'] : [])],
  addresses: settings.profile === 'local' ? ['127.0.0.1', '::1'] : [],
  key: places['tls-key'],
  chain: places['tls-chain'],
  ca: places['tls-ca'],
  caKey: path(`${places.secrets}/own-ca.key`),
  keyType: settings.tls.keyType,
  kept: path(`${places.state}/acme/chain.pem`),
});

/** Undefined: nothing. */
export const wantedOfCertificate = ({ machine }: Context, input: RenderInput): Promise<'create' | 'change' | undefined> => {
  const { source } = input.settings.tls;
  if (source === 'files') return Promise.resolve(undefined);
  return source === 'acme' ? wantedOfSigned(machine, signedRequest(input)) : wantedOfOwnCa(machine, signedRequest(input));
};

/** Tells where our own authority signs for the server, and is another one after `work`: whoever trusts the one before has no mail from then on. */
const tellingOfAuthority = async <T>({ machine, reporter }: Context, { wiring: { places } }: RenderInput, work: () => Promise<T>): Promise<T> => {
  const authority = places['tls-ca'];
  const before = await certificateAt(machine, authority);
  const done = await work();
  const after = await certificateAt(machine, authority);
  if (before !== undefined && after !== undefined && before.fingerprint256 !== after.fingerprint256) {
    const ends = after.validToDate.toISOString().slice(0, 10);
    const text = `the server's own authority is another one from now on (until ${ends}), and mail programs that trust only the one before refuse the server`;
    reporter.emit({ kind: 'warning', code: 'tls.authority-changed', text, remedy: `Let them trust ${authority}.` });
  }
  return done;
};

/** A certificate of our own authority for that key; nothing that is served is touched. */
export const signedByOwnAuthority = (context: Context, input: RenderInput, key: AbsPath): Promise<Buffer> =>
  tellingOfAuthority(context, input, () => signAnew(context.machine, { ...signedRequest(input), key }));

export const ensureCertificate = async (context: Context, input: RenderInput): Promise<void> => {
  const { machine } = context;
  const { source } = input.settings.tls;
  if (source === 'own-ca') await tellingOfAuthority(context, input, () => ensureOwnCa(machine, signedRequest(input)));
  if (source === 'acme') await ensureSigned(machine, signedRequest(input));
  if (source === 'files') await forgetSeen(context, input); // whoever comes back to a rollover does not know what was published meanwhile
};

/** An authority that has signed nothing yet is asked by upkeep at its next look, within a minute. */
export const askSoon = async ({ machine }: Context, input: RenderInput): Promise<void> => {
  if (input.settings.tls.source === 'acme' && !(await isSigned(machine, signedRequest(input)))) await machine.remove(DUE);
};
