/**
 * Hauspost's own certificate authority, for the local profile and for a server whose certificate has not been obtained yet.
 * openssl(1) makes keys and certificates (its own: ECDSA P-256). Trusts the secrets directory to be readable for root only.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { dirname } from 'node:path';
import { type AbsPath, path } from '#base';
import { contentAt, isTemporary, type Machine, must } from '#machine';

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

interface Authority {
  readonly certificate: X509Certificate;
  /** Both as they lie there. */
  readonly pem: { readonly ca: Buffer; readonly key: Buffer };
}

/** Undefined unless both are there and made for each other. */
const authorityOf = (ca: Buffer | undefined, key: Buffer | undefined): Authority | undefined => {
  if (ca === undefined || key === undefined) return undefined;
  try {
    const certificate = new X509Certificate(ca);
    return certificate.checkPrivateKey(createPrivateKey(key)) ? { certificate, pem: { ca, key } } : undefined;
  } catch {
    return undefined; // what lies there is no certificate, or no key
  }
};

/** It outlives what it signs now. */
const outlives = ({ certificate }: Authority, now: Date): boolean => certificate.validToDate.getTime() - now.getTime() > SERVER_DAYS * DAY_MS;

/** People need time to let their mail programs trust another one. */
const TOLD_BEFORE_MS = 730 * DAY_MS;

/** From when on the next certificate is signed by another authority than this one, two years before whose end that has to be known. Undefined: not yet, or it is over. */
export const successorFrom = ({ validToDate }: X509Certificate, now: Date): Date | undefined => {
  const left = validToDate.getTime() - now.getTime();
  return left > 0 && left <= TOLD_BEFORE_MS ? new Date(validToDate.getTime() - SERVER_DAYS * DAY_MS) : undefined;
};

const isValid = (authority: Authority, now: Date): boolean => authority.certificate.validFromDate <= now && outlives(authority, now);

/** Authorities in whose place another was put, each key and certificate in one file. */
const earlierAt = ({ caKey }: OwnCaRequest): AbsPath => path(`${dirname(caKey)}/own-ca-earlier`);

const earlier = async (machine: Machine, request: OwnCaRequest): Promise<readonly Authority[]> => {
  const files = (await machine.list(earlierAt(request))).filter((name) => !isTemporary(name));
  const both = await Promise.all(files.map((name) => contentAt(machine, path(`${earlierAt(request)}/${name}`))));
  return both.flatMap((pem) => {
    const begin = pem?.indexOf('-----BEGIN CERTIFICATE-----') ?? -1;
    return (begin < 0 ? undefined : authorityOf(pem?.subarray(begin), pem?.subarray(0, begin))) ?? [];
  });
};

const keep = async (machine: Machine, request: OwnCaRequest, { certificate, pem }: Authority): Promise<void> => {
  await machine.makeDir(earlierAt(request), { owner: 'root:root', mode: 0o700 });
  const name = certificate.fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase();
  await machine.write(path(`${earlierAt(request)}/${name}.pem`), Buffer.concat([pem.key, pem.ca]), ROOT_ONLY);
};

const makeAuthority = async (machine: Machine, request: OwnCaRequest): Promise<void> => {
  await makeKey(machine, request.caKey, 'ecdsa');
  await make(machine, request.ca, READABLE, (out) => [
    ...['openssl', 'req', '-x509', '-new', '-sha256', '-key', request.caKey, '-days', String(CA_DAYS), '-out', out],
    ...['-subj', `/O=Hauspost/CN=Hauspost authority ${machine.random(4).toString('hex')}`], // of this machine, whatever its name will be
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  ]);
};

/**
 * The one that lies there, as long as it can sign. One whose key was lost cannot any more; one that is over, or is said to be by a clock that is far ahead,
 * makes place for another and is kept: people have told their mail programs to trust it, and as soon as the clock is right it is the one that is valid.
 * With a clock that is behind none is, and it stays.
 */
const ensureCa = async (machine: Machine, request: OwnCaRequest): Promise<void> => {
  const now = machine.now();
  const present = authorityOf(...(await Promise.all([contentAt(machine, request.ca), contentAt(machine, request.caKey)])));
  if (present !== undefined && isValid(present, now)) return;
  const valid = (await earlier(machine, request)).filter((authority) => isValid(authority, now));
  const [latest] = valid.toSorted((a, b) => b.certificate.validFromDate.getTime() - a.certificate.validFromDate.getTime());
  if (latest === undefined && present !== undefined && outlives(present, now)) return;
  if (present !== undefined) await keep(machine, request, present);
  if (latest === undefined) return makeAuthority(machine, request);
  await machine.write(request.caKey, latest.pem.key, ROOT_ONLY);
  await machine.write(request.ca, latest.pem.ca, READABLE);
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
