/**
 * certbot(1) as the client that asks an authority by ACME (RFC 8555). The key is ours and stays: certbot gets a request that openssl(1) made with it
 * (`--csr`), keeps nothing of the certificate, and renews nothing by itself. Its folders are not those of Debian's timer.
 * Trusts the folders to be root's.
 */
import { type AbsPath, path } from '#base';
import { type Machine, must } from '#machine';
import { type Conversation, conversationIn } from './problems.ts';

export interface AcmeRequest {
  /** RFC 8555 section 7.1.1. */
  readonly directory: string;
  readonly email: string | undefined;
  /** `http`: files below this folder are shown on port 80. `dns`: commands that certbot calls with a name and a text for it (its manual, "manual"). */
  readonly challenge: { readonly by: 'http'; readonly root: AbsPath } | { readonly by: 'dns'; readonly put: string; readonly takeAway: string };
  /** At most 100. */
  readonly names: readonly string[];
  readonly key: AbsPath;
  /** Where the account is kept. */
  readonly folder: AbsPath;
}

/** `chain`: PEM, the server's own certificate first; undefined: `said` tells why. */
export interface Answer {
  readonly chain: Buffer | undefined;
  readonly said: Conversation;
}

const ROOT_DIR = { owner: 'root:root', mode: 0o700 };
const MS = 900_000;
/** A challenge by DNS waits until every name server shows it, five minutes at most; one after the other. */
const EACH_NAME_MS = 360_000;

/** For as long it may take: who is ended takes no challenge away. */
export const patienceWith = ({ challenge, names }: Pick<AcmeRequest, 'challenge' | 'names'>): number =>
  challenge.by === 'http' ? MS : MS + names.length * EACH_NAME_MS;

const authenticator = ({ challenge }: AcmeRequest): readonly string[] =>
  challenge.by === 'http'
    ? ['--webroot', '--webroot-path', challenge.root, '--preferred-challenges', 'http']
    : [...['--manual', '--preferred-challenges', 'dns'], ...['--manual-auth-hook', challenge.put, '--manual-cleanup-hook', challenge.takeAway]];

const certbot = (request: AcmeRequest, work: AbsPath): readonly string[] => [
  ...['certbot', 'certonly', '--non-interactive', '--agree-tos'],
  ...(request.email === undefined ? ['--register-unsafely-without-email'] : ['--email', request.email, '--no-eff-email']),
  ...['--server', request.directory, '--csr', `${work}/csr.pem`],
  ...['--cert-path', `${work}/cert.pem`, '--chain-path', `${work}/intermediates.pem`, '--fullchain-path', `${work}/chain.pem`],
  ...['--config-dir', `${request.folder}/certbot`, '--work-dir', `${work}/work`, '--logs-dir', `${work}/log`, '--max-log-backups', '0'],
  ...authenticator(request),
];

/** RFC 2986; the names alone, since the common name of a subject holds 64 characters at most. */
const requestFor = ({ key, names }: AcmeRequest, out: string): readonly string[] => [
  ...['openssl', 'req', '-new', '-sha256', '-key', key, '-subj', '/', '-out', out],
  ...['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`],
];

/** The authority has forgotten the account, or has become another one at the same address. */
const UNKNOWN_ACCOUNT = 'accountDoesNotExist';

const attempt = async (machine: Machine, request: AcmeRequest): Promise<Answer> => {
  const work = path(`${request.folder}/attempt`);
  await machine.remove(work); // of an attempt that was killed; certbot overwrites no certificate
  await machine.makeDir(request.folder, ROOT_DIR);
  await machine.makeDir(work, ROOT_DIR);
  await must(machine, requestFor(request, `${work}/csr.pem`));
  const { code, stderr } = await machine.run(certbot(request, work), { ms: patienceWith(request) });
  const said = conversationIn((await machine.read(path(`${work}/log/letsencrypt.log`)))?.toString() ?? '');
  const chain = code === 0 ? await machine.read(path(`${work}/chain.pem`)) : undefined;
  return { chain, said: { ...said, words: said.words || stderr.trim().split('\n').at(-1) || '' } };
};

/** certbot tries a second time with a fresh one, and then gives up (RFC 8555 section 6.5). */
const BAD_NONCE = 'badNonce';
const MOST = 4;

/** Whether that can be mended by asking once more. */
const mends = async (machine: Machine, request: AcmeRequest, { chain, said: { problems } }: Answer): Promise<boolean> => {
  if (chain !== undefined || problems.length === 0) return false;
  if (problems.every(({ type }) => type === BAD_NONCE)) return true;
  if (!problems.some(({ type }) => type === UNKNOWN_ACCOUNT)) return false;
  await machine.remove(path(`${request.folder}/certbot/accounts`));
  return true;
};

/** Rejects only where a program is missing, or the key cannot be used. */
export const askAuthority = async (machine: Machine, request: AcmeRequest): Promise<Answer> => {
  let answer = await attempt(machine, request);
  for (let asked = 1; asked < MOST && (await mends(machine, request, answer)); asked += 1) answer = await attempt(machine, request);
  return answer;
};

/** What openssl(1) says of the directory's certificate: an `X509_V_ERR_*` (x509_vfy.h); undefined where there is no TLS at all. */
export const verdictOn = async (machine: Machine, directory: string): Promise<number | undefined> => {
  const { hostname, port } = new URL(directory);
  const words = ['-connect', `${hostname}:${port || '443'}`, '-servername', hostname, '-verify_hostname', hostname];
  const { stdout } = await machine.run(['timeout', '20', 'openssl', 's_client', ...words]);
  const code = /^\s*Verify return code: ([0-9]+) /m.exec(stdout)?.[1];
  return code === undefined || !stdout.includes('BEGIN CERTIFICATE') ? undefined : Number(code);
};
