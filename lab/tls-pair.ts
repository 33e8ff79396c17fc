/**
 * Key and certificate as an ACME client leaves them for the operator's option `[tls] source = "files"`: a link to the newest of each in
 * `live`, which is moved where a new one came. Hauspost's own authority signs here, so that clients of a served machine trust them.
 */
import type { Machine } from './machine.ts';
import { succeeded } from './process.ts';

export const LIVE = '/etc/ssl/hauspost-test/live';
export const FILES = `[tls]\nsource = "files"\nkey = "${LIVE}/key.pem"\nchain = "${LIVE}/chain.pem"\n`;

const SCRIPT = `set -e; umask 077; mkdir -p "$1" "$1/../archive"; cd "$1/../archive"
n=$(ls | wc -l)
openssl req -x509 -newkey "$2" $3 -nodes -keyout "key$n.pem" -out "leaf$n.pem" -days 90 -subj '/CN=mail.hauspost.test' \\
  -CA /var/lib/hauspost/tls/ca.pem -CAkey /var/lib/hauspost/secrets/own-ca.key \\
  -addext subjectAltName=DNS:mail.hauspost.test -addext basicConstraints=critical,CA:FALSE
cat "leaf$n.pem" /var/lib/hauspost/tls/ca.pem >"chain$n.pem"
for file in key chain; do ln -s "../archive/$file$n.pem" "../archive/$file.new"; mv -T "../archive/$file.new" "$1/$file.pem"; done
openssl x509 -in "leaf$n.pem" -noout -fingerprint -sha256 | cut -d = -f 2`;

const PARAMETERS = { RSA: ['rsa:2048', ''], ECDSA: ['ec', '-pkeyopt ec_paramgen_curve:P-256'] } as const;

/** Puts another pair in place; answers with the certificate's SHA-256, as Node writes it. */
export const renewed = async (machine: Machine, kind: keyof typeof PARAMETERS): Promise<string> => {
  const argv = ['sh', '-c', SCRIPT, 'renewed', LIVE, ...PARAMETERS[kind]];
  return succeeded(argv, await machine.run(argv)).stdout.trim();
};
