/** A private key that somebody else made: PEM, RSA of 1024 to 4096 bits (RFC 8301, section 3.2: all verifiers know those) or Ed25519; anything else is refused. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type AbsPath, operatorError } from '#base';
import { type DkimAlgorithm, dkimAlgorithm } from '#formats';
import { contentAt, type Machine } from '#machine';

export interface ImportedKey {
  readonly algorithm: DkimAlgorithm;
  /** Of RSA. */
  readonly bits: number | null;
  /** PKCS #8. */
  readonly privatePem: string;
  /** base64 of the SubjectPublicKeyInfo. */
  readonly publicKey: string;
}

const BITS = { least: 1024, most: 4096 };

const refused = (file: AbsPath, why: string, remedy: string): Error =>
  operatorError({ code: 'dkim.key-file', message: `${file} ${why}`, remedy, detail: { file } });

const parsed = (file: AbsPath, text: string): KeyObject => {
  try {
    return createPrivateKey(text);
  } catch {
    const encrypted = /-----BEGIN ENCRYPTED|^Proc-Type:.*ENCRYPTED/m.test(text);
    throw encrypted
      ? refused(file, 'is protected by a passphrase', 'Take it away: openssl pkey -in KEY -out NEW, with umask 077.')
      : refused(file, 'holds no private key', 'It must be PEM: -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----.');
  }
};

/** What it holds, after a look at who else can read it. */
export const readPrivateKey = async (machine: Machine, file: AbsPath): Promise<ImportedKey> => {
  const state = await machine.state(file);
  if (state?.kind !== 'file') throw refused(file, state === undefined ? 'does not exist' : 'is no file', 'Name the file with the private key.');
  if (!state.owner.startsWith('root:') || (state.mode & 0o077) !== 0)
    throw refused(file, 'can be read by others than root', `Run: chown root:root ${file}; chmod 600 ${file}`);
  const key = parsed(file, (await contentAt(machine, file))?.toString() ?? '');
  const bits = key.asymmetricKeyDetails?.modulusLength ?? null;
  const type = key.asymmetricKeyType;
  if (type !== 'rsa' && type !== 'ed25519') throw refused(file, `holds a key of type ${type}`, 'DKIM knows RSA and Ed25519.');
  if (bits !== null && (bits < BITS.least || bits > BITS.most))
    throw refused(
      file,
      `holds an RSA key of ${bits} bits`,
      `Verifiers need ${BITS.least} to ${BITS.most}; 'hauspost dkim rotate' makes one of 2048.`,
    );
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
  return { algorithm: dkimAlgorithm(publicKey), bits, privatePem: key.export({ type: 'pkcs8', format: 'pem' }).toString(), publicKey };
};
