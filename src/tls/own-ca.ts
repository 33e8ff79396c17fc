/**
 * Hauspost's own certificate authority, for the local profile and for a server whose certificate has not been obtained yet.
 * openssl(1) makes keys and certificates (its own: ECDSA P-256). Trusts the secrets directory to be readable for root only.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { dirname } from 'node:path';
import { type AbsPath, path } from '#base';
import { contentAt, type Machine, must } from '#machine';

export type KeyType = 'ecdsa' | 'rsa';

export interface OwnCaRequest {
  /** First is the common name. DNS names and IP addresses. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly key: AbsPath;
  readonly chain: AbsPath;
  readonly ca: AbsPath;
  /** Where the authority's private key is kept. */
  readonly caKey: AbsPath;
  /** Of a key that has to be made; one that is there stays, whatever it is. */
  readonly keyType: KeyType;
}

const CA_DAYS = 3650;
const SERVER_DAYS = 397;
const DAY_MS = 86_400_000;
/** Issued anew when less is left. */
const RENEW_MS = 30 * DAY_MS;

const GENPKEY: Readonly<Record<KeyType, readonly string[]>> = {
  ecdsa: ['openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out'],
  rsa: ['openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out'],
};
const ROOT_ONLY = { owner: 'root:root', mode: 0o600 };
const READABLE = { owner: 'root:root', mode: 0o644 };

/** openssl writes into a directory that only root enters; the hands then put the file in place atomically. */
const make = async (machine: Machine, target: AbsPath, placement: typeof ROOT_ONLY, argv: (out: AbsPath) => readonly string[]): Promise<void> => {
  const scratch = path('/run/hauspost/tls');
  await machine.makeDir(scratch, { owner: 'root:root', mode: 0o700 });
  const out = path(`${scratch}/${machine.random(8).toString('hex')}.pem`);
  try {
    await must(machine, argv(out));
    const made = await machine.read(out);
    if (made !== undefined) await machine.write(target, made, placement);
  } finally {
    await machine.remove(out);
  }
};

/** A private key, PEM, 0600. */
export const makeKey = (machine: Machine, target: AbsPath, type: KeyType): Promise<void> =>
  make(machine, target, ROOT_ONLY, (out) => [...GENPKEY[type], out]);

/** Its key is there and its own, and it outlives what it signs now. */
const canSign = async (machine: Machine, request: OwnCaRequest): Promise<boolean> => {
  const [ca, key] = await Promise.all([request.ca, request.caKey].map((file) => contentAt(machine, file)));
  if (ca === undefined || key === undefined) return false;
  try {
    const authority = new X509Certificate(ca);
    return authority.checkPrivateKey(createPrivateKey(key)) && authority.validToDate.getTime() - machine.now().getTime() > SERVER_DAYS * DAY_MS;
  } catch {
    return false;
  }
};

/** One whose key was lost cannot sign any more, and another takes its place. */
const ensureCa = async (machine: Machine, request: OwnCaRequest): Promise<void> => {
  if (await canSign(machine, request)) return;
  await makeKey(machine, request.caKey, 'ecdsa');
  await make(machine, request.ca, READABLE, (out) => [
    ...['openssl', 'req', '-x509', '-new', '-sha256', '-key', request.caKey, '-days', String(CA_DAYS), '-out', out],
    ...['-subj', `/O=Hauspost/CN=Hauspost authority ${machine.random(4).toString('hex')}`], // of this machine, whatever its name will be
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  ]);
};

/** Valid now, for long enough and for all the names, made for the key that lies there, and signed by the authority that lies there. */
const stillGood = (request: OwnCaRequest, now: Date, pem: { readonly chain: Buffer; readonly key: Buffer; readonly ca: Buffer }): boolean => {
  try {
    const [certificate, authority] = [new X509Certificate(pem.chain), new X509Certificate(pem.ca)];
    return (
      certificate.validFromDate <= now && // made while the clock was ahead
      certificate.validToDate.getTime() - now.getTime() > RENEW_MS &&
      request.names.every((name) => certificate.checkHost(name) !== undefined) &&
      request.addresses.every((address) => certificate.checkIP(address) !== undefined) &&
      certificate.checkPrivateKey(createPrivateKey(pem.key)) &&
      certificate.verify(authority.publicKey)
    );
  } catch {
    return false; // what lies there cannot be read as what it should be
  }
};

/** What `ensureOwnCa` would do about the certificate; undefined: nothing. */
export const wantedOfOwnCa = async (machine: Machine, request: OwnCaRequest): Promise<'create' | 'change' | undefined> => {
  const [chain, key, ca] = await Promise.all([request.chain, request.key, request.ca].map((file) => contentAt(machine, file)));
  if ((await machine.state(request.chain)) === undefined) return 'create';
  return chain !== undefined && key !== undefined && ca !== undefined && stillGood(request, machine.now(), { chain, key, ca }) ? undefined : 'change';
};

const subjectAltName = (request: OwnCaRequest): string =>
  [...request.names.map((name) => `DNS:${name}`), ...request.addresses.map((address) => `IP:${address}`)].join(',');

/** Makes authority, key and certificate where they are missing or no longer fit. */
export const ensureOwnCa = async (machine: Machine, request: OwnCaRequest): Promise<void> => {
  if ((await wantedOfOwnCa(machine, request)) === undefined) return;
  await ensureCa(machine, request);
  if ((await machine.state(request.key)) === undefined) await makeKey(machine, request.key, request.keyType);
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
};

/** Another certificate for the key that `request` names; nothing that is served is touched. */
export const signAnew = async (machine: Machine, request: OwnCaRequest): Promise<Buffer> => {
  const chain = path(`${dirname(request.chain)}/next-chain.pem`);
  await machine.remove(chain);
  await ensureOwnCa(machine, { ...request, chain });
  const made = (await machine.read(chain)) ?? Buffer.alloc(0);
  await machine.remove(chain);
  return made;
};
