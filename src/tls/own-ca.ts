/**
 * Hauspost's own certificate authority, for the local profile and for a server whose certificate has not been obtained yet.
 * openssl(1) makes keys and certificates (ECDSA P-256). Trusts the secrets directory to be readable for root only.
 */
import { type AbsPath, path } from '#base';
import { type Machine, must } from '#machine';

export interface OwnCaRequest {
  /** First is the common name. DNS names and IP addresses. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly key: AbsPath;
  readonly chain: AbsPath;
  readonly ca: AbsPath;
  /** Where the authority's private key is kept. */
  readonly caKey: AbsPath;
}

const CA_DAYS = 3650;
const SERVER_DAYS = 397;
/** Issued anew when less is left. */
const RENEW_SECONDS = 30 * 86_400;

const KEY = ['openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out'];
const ROOT_ONLY = { owner: 'root:root', mode: 0o600 };
const READABLE = { owner: 'root:root', mode: 0o644 };

/** openssl writes into a directory that only root enters; the hands then put the file in place atomically. */
const make = async (machine: Machine, target: AbsPath, placement: typeof ROOT_ONLY, argv: (out: AbsPath) => readonly string[]): Promise<void> => {
  const scratch = path('/run/hauspost/tls');
  await machine.makeDir(scratch, { owner: 'root:root', mode: 0o700 });
  const out = path(`${scratch}/${machine.random(8).toString('hex')}.pem`);
  await must(machine, argv(out));
  const made = await machine.read(out);
  await machine.remove(out);
  if (made !== undefined) await machine.write(target, made, placement);
};

const ensureCa = async (machine: Machine, request: OwnCaRequest): Promise<void> => {
  if ((await machine.state(request.caKey)) === undefined) await make(machine, request.caKey, ROOT_ONLY, (out) => [...KEY, out]);
  if ((await machine.state(request.ca)) !== undefined) return;
  await make(machine, request.ca, READABLE, (out) => [
    ...['openssl', 'req', '-x509', '-new', '-sha256', '-key', request.caKey, '-days', String(CA_DAYS), '-out', out],
    ...['-subj', `/O=Hauspost/CN=Hauspost local authority for ${request.names[0] ?? ''}`.slice(0, 80)],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  ]);
};

/** Valid for long enough, for all the names, and made for the key that lies there. */
const stillGood = async (machine: Machine, request: OwnCaRequest): Promise<boolean> => {
  if ((await machine.state(request.chain)) === undefined || (await machine.state(request.key)) === undefined) return false;
  const checks = [
    ['-checkend', String(RENEW_SECONDS)],
    ...request.names.map((name) => ['-checkhost', name]),
    ...request.addresses.map((address) => ['-checkip', address]),
  ];
  for (const check of checks) {
    const ran = await machine.run(['openssl', 'x509', '-in', request.chain, '-noout', ...check]);
    // -checkhost and -checkip answer in words and with status 0 before OpenSSL 3.3; the words are a fixed part of x509(1).
    if (ran.code !== 0 || ran.stdout.includes('does NOT match')) return false;
  }
  const publicOf = (argv: readonly string[]): Promise<string> => must(machine, ['openssl', ...argv]);
  return (await publicOf(['x509', '-in', request.chain, '-noout', '-pubkey'])) === (await publicOf(['pkey', '-in', request.key, '-pubout']));
};

const subjectAltName = (request: OwnCaRequest): string =>
  [...request.names.map((name) => `DNS:${name}`), ...request.addresses.map((address) => `IP:${address}`)].join(',');

/** Makes authority, key and certificate where they are missing or no longer fit. Answers whether the certificate changed. */
export const ensureOwnCa = async (machine: Machine, request: OwnCaRequest): Promise<boolean> => {
  await ensureCa(machine, request);
  if (await stillGood(machine, request)) return false;
  if ((await machine.state(request.key)) === undefined) await make(machine, request.key, ROOT_ONLY, (out) => [...KEY, out]);
  await make(machine, request.chain, READABLE, (out) => [
    ...[
      'openssl',
      'req',
      '-x509',
      '-new',
      '-sha256',
      '-key',
      request.key,
      '-CA',
      request.ca,
      '-CAkey',
      request.caKey,
      '-days',
      String(SERVER_DAYS),
      '-out',
      out,
    ],
    ...['-subj', `/CN=${(request.names[0] ?? '').slice(0, 64)}`, '-addext', `subjectAltName=${subjectAltName(request)}`],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'keyUsage=critical,digitalSignature', '-addext', 'extendedKeyUsage=serverAuth'],
  ]);
  return true;
};
