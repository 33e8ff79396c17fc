/**
 * Key and chain that the operator brings: looked at before any daemon does, so that what is wrong is told in the words of the option.
 * A link, such as certbot's, is followed to what it leads to. Trusts nothing in the files; the key may be root's alone.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { type AbsPath, type HauspostError, operatorError } from '#base';
import { contentAt, followed, type Machine } from '#machine';

export interface TlsFiles {
  readonly key: AbsPath;
  readonly chain: AbsPath;
}

type Option = keyof TlsFiles;

const wrong = (option: Option, file: AbsPath, why: string, remedy: string): HauspostError =>
  operatorError({
    code: `tls.${option}-file`,
    message: `${file}, which tls.${option} names, ${why}`,
    remedy,
    detail: { path: `tls.${option}`, file },
  });

const REMEDY: Readonly<Record<Option, string>> = {
  key: 'Put the private key there, PEM and without a passphrase, or name another file below [tls].',
  chain: "Put the server's certificate there and after it the intermediate ones, PEM, or name another file below [tls].",
};

const opened = async (machine: Machine, option: Option, file: AbsPath): Promise<Buffer> => {
  const target = await followed(machine, file);
  const state = await machine.state(target);
  if (state === undefined) throw wrong(option, file, 'does not exist', REMEDY[option]);
  if (state.kind !== 'file') throw wrong(option, file, 'is no file', REMEDY[option]);
  if (option === 'key' && (!state.owner.startsWith('root:') || (state.mode & 0o077) !== 0))
    throw wrong(option, file, 'can be read by others', `Run: chown root:root ${target}; chmod 600 ${target}`);
  return (await machine.read(target)) ?? Buffer.alloc(0);
};

/** The server's own certificate, which is the first of a chain; undefined unless each of its PEM blocks (RFC 7468) can be read. */
export const leafIn = (chain: Buffer): X509Certificate | undefined => {
  const pem = chain.toString('latin1');
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (pem.match(/^-----BEGIN CERTIFICATE-----/gm)?.length !== blocks.length) return undefined; // one has no end
  try {
    return blocks.map((block) => new X509Certificate(block))[0];
  } catch {
    return undefined; // what stands in a block is no certificate
  }
};

/** The same of what lies at that path, whatever it is; undefined also where nothing is. */
export const certificateAt = async (machine: Machine, chain: AbsPath): Promise<X509Certificate | undefined> => {
  const content = await contentAt(machine, chain);
  return content === undefined ? undefined : leafIn(content);
};

/** OpenSSL writes all groups of an IPv6 address; RFC 5952 shortens it. */
const nameIn = (entry: string): string => {
  const name = entry.replace(/^(DNS|IP Address):/, '');
  return isIPv6(name) ? new URL(`http://[${name}]/`).hostname.slice(1, -1) : name;
};

/** Names and addresses that it is valid for. */
export const namesIn = ({ subjectAltName = '' }: X509Certificate): readonly string[] =>
  subjectAltName === '' ? [] : subjectAltName.split(', ').map(nameIn);

const keyIn = (pem: Buffer): KeyObject | undefined => {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined; // no PEM, no key, or a passphrase is wanted
  }
};

/** Names of the blocks that Postfix looks at (tls_certkey.c, load_pem_object); it passes over others, such as parameters of EC and DH, as all daemons do. */
const blocksIn = (pem: Buffer): readonly string[] =>
  [...pem.toString('latin1').matchAll(/^-----BEGIN ((?:(?:RSA|EC|DSA) )?PRIVATE KEY|(?:X509 )?CERTIFICATE)-----[ \t\r]*$/gm)].map(
    ([, name = '']) => name,
  );

const isKey = (block: string): boolean => block.endsWith('PRIVATE KEY');

/** Postfix reads both files as one list, and is without TLS unless that is one key and then its certificates, of which it serves the first. */
const refuseMixed = (files: TlsFiles, key: Buffer, chain: Buffer): void => {
  if (blocksIn(chain).some(isKey))
    throw wrong('chain', files.chain, 'holds a private key besides, and Postfix is then without TLS', 'Leave only the certificates in it.');
  const [first, ...others] = blocksIn(key);
  const serves = others.length === 0 ? chain : key;
  if (first !== undefined && isKey(first) && !others.some(isKey) && leafIn(serves)?.fingerprint256 === leafIn(chain)?.fingerprint256) return;
  const remedy = `Run: (umask 077; openssl pkey -in ${files.key} -out NEW), and put NEW there.`;
  throw wrong('key', files.key, 'holds more than the private key, and Postfix is then without TLS, or serves another certificate', remedy);
};

/** Why nobody would take it today; undefined where it is within its time. */
export const outOfTime = ({ validFromDate, validToDate }: X509Certificate, now: Date): string | undefined => {
  if (validFromDate > now) return `is not valid before ${validFromDate.toISOString().slice(0, 10)}`;
  return validToDate < now ? `ran out on ${validToDate.toISOString().slice(0, 10)}` : undefined;
};

/** What openssl-verify(1) has against the chain, with the authorities that this machine trusts; whether it is within its time is not asked. */
export const distrustOf = async (machine: Machine, chain: AbsPath): Promise<string | undefined> => {
  const ran = await machine.run(['openssl', 'verify', '-no_check_time', '-purpose', 'sslserver', '-untrusted', chain, chain]);
  return ran.code === 0 ? undefined : (/error \d+ at \d+ depth lookup: (.*)/.exec(`${ran.stdout}${ran.stderr}`)?.[1] ?? 'openssl verify refuses it');
};

/** Throws `tls.chain-file` or `tls.key-file` (exit 3) unless both can be read and belong together; of a pair that is `fresh`, no daemon has it yet, also unless it is within its time. */
export const refuseWrongFiles = async (machine: Machine, { key, chain }: TlsFiles, fresh = false): Promise<void> => {
  const content = await opened(machine, 'chain', chain);
  const leaf = leafIn(content);
  if (leaf === undefined && keyIn(content) !== undefined)
    throw wrong('chain', chain, `holds a private key and no certificate, while tls.key names ${key}`, `Let tls.key name it. ${REMEDY.chain}`);
  if (leaf === undefined) throw wrong('chain', chain, 'holds no certificate that can be read', REMEDY.chain);
  const late = fresh ? outOfTime(leaf, machine.now()) : undefined;
  if (late !== undefined)
    throw wrong('chain', chain, `holds a certificate that ${late}`, `${REMEDY.chain} If it should be valid, see whether the clock is right.`);
  const secret = await opened(machine, 'key', key);
  const held = keyIn(secret);
  if (held === undefined) throw wrong('key', key, 'holds no private key that can be read', REMEDY.key);
  refuseMixed({ key, chain }, secret, content);
  if (leaf.checkPrivateKey(held)) return;
  const remedy = "Put the key there that the certificate was made for; in the chain the server's own certificate stands first.";
  throw wrong('key', key, `does not belong to the first certificate in ${chain}, which tls.chain names`, remedy);
};
