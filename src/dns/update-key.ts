/**
 * The key that changes of zones are signed with (TSIG, RFC 8945), in the file that `dns.update_key_file` names and that root alone may read. Read only
 * to say what is wrong with it before anybody is asked: dig(1) and nsupdate(1) read the file themselves, so the secret is in no argument.
 */
import { type AbsPath, type HauspostError, operatorError } from '#base';
import { followed, type Machine } from '#machine';

export interface UpdateKey {
  readonly file: AbsPath;
  /** Without the dot at its end. */
  readonly name: string;
}

/** A number behind it shortens the signature (named.conf(5)). */
const ALGORITHM = /^hmac-(?:md5|sha1|sha224|sha256|sha384|sha512)(?:-\d+)?$/i;

/** As tsig-keygen(8) writes it; without the comments that named.conf(5) allows. */
const KEY =
  /^\s*key\s+(?:"([^"\s]+)"|([^"\s{]+))\s*\{\s*algorithm\s+"?([a-z0-9-]+)(?:\.sig-alg\.reg\.int)?\.?"?\s*;\s*secret\s+"?([A-Za-z0-9+/]+={0,2})"?\s*;\s*\}\s*;\s*$/i;

/** A secret may hold two slashes. */
const COMMENTS = /\/\*[\s\S]*?\*\/|(?<=^|\s)(?:\/\/|#).*$/gm;

const wrong = (file: AbsPath, why: string, remedy: string): HauspostError =>
  operatorError({
    code: 'dns.update-key-file',
    message: `${file}, which dns.update_key_file names, ${why}`,
    remedy,
    detail: { path: 'dns.update_key_file', file },
  });

const MAKE = 'Write it as \'tsig-keygen NAME\' prints it: key "NAME" { algorithm hmac-sha256; secret "..."; };';

/** Throws `dns.update-key-file` (exit 3) where it is not there, others may read it, or it holds no key. */
export const readUpdateKey = async (machine: Machine, file: AbsPath): Promise<UpdateKey> => {
  const target = await followed(machine, file);
  const state = await machine.state(target);
  if (state === undefined) throw wrong(file, 'does not exist', MAKE);
  if (state.kind !== 'file') throw wrong(file, 'is no file', MAKE);
  if (!state.owner.startsWith('root:') || (state.mode & 0o077) !== 0)
    throw wrong(file, 'can be read by others', `Run: chown root:root ${target}; chmod 600 ${target}`);
  const [, quoted, bare, algorithm = '', secret = ''] = KEY.exec((await machine.read(target))?.toString().replace(COMMENTS, '') ?? '') ?? [];
  const name = (quoted ?? bare)?.replace(/\.$/, '').toLowerCase();
  if (name === undefined) throw wrong(file, 'holds no TSIG key, or not one alone', MAKE);
  if (!ALGORITHM.test(algorithm))
    throw wrong(
      file,
      `names the algorithm ${JSON.stringify(algorithm)}, which nobody knows`,
      'Write hmac-sha256, if the name server has the key so.',
    );
  if (secret.length % 4 !== 0) throw wrong(file, 'holds a secret that is no base64', MAKE);
  return { file: target, name };
};
