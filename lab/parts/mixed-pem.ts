/** Files of key and chain that hold more than they should or less, for sh(1) in a folder that holds right.key, right.crt, other.key and other.crt. */
import { type Server, until } from '../index.ts';
import { exits } from '../operator.ts';

const BESIDES = 'holds a private key besides, and Postfix is then without TLS';
const MORE = 'holds more than the private key, and Postfix is then without TLS, or serves another certificate';

/** What Postfix cannot use (tls_certkey.c): which option is told, how key.pem and chain.pem are made, and the words. */
export const MIXED = [
  ['chain', 'cat right.crt right.key | tee key.pem >chain.pem', BESIDES],
  ['chain', 'cp right.key key.pem; cat right.key right.crt >chain.pem', BESIDES],
  ['chain', 'cat right.crt other.key >chain.pem', BESIDES],
  ['chain', '(cat right.crt; head -n 5 other.crt) >chain.pem', 'holds no certificate that can be read'],
  ['chain', '(printf %s "$(cat right.crt)"; cat other.crt) >chain.pem', 'holds no certificate that can be read'],
  ['key', 'cp right.crt chain.pem; cat right.crt right.key >key.pem', MORE],
  ['key', 'cat right.key other.key >key.pem', MORE],
  ['key', 'cat right.key other.crt >key.pem', MORE],
] as const;

/** What all daemons pass over: parameters, as openssl-ecparam(1) writes them before the key and others behind a chain, and words between. */
const PARAMETERS = `openssl ecparam -name prime256v1 -genkey -out ec.key &&
openssl req -x509 -key ec.key -out ec.crt -days 90 -subj /CN=Elliptic -addext subjectAltName=DNS:mail.hauspost.test &&
openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out dh.pem &&
grep 'BEGIN EC PARAMETERS' ec.key && grep 'BEGIN DH PARAMETERS' dh.pem &&
cat ec.key >key.pem && (echo 'The server:'; cat ec.crt dh.pem) >chain.pem`;

/** Each made available to Postfix itself: `served` is the name in the certificate that it shows. What is right is in place and read at the end. */
export const asPostfixSays = async (server: Server, run: (script: string) => Promise<void>, served: () => Promise<unknown>): Promise<void> => {
  const shows = async (name: string): Promise<true> =>
    until(
      `Postfix shows ${name}`,
      () =>
        served().then(
          (shown) => shown === name || undefined,
          () => undefined,
        ),
      20_000,
      100,
    );
  const refuses = (): Promise<true | undefined> =>
    served().then(
      () => undefined,
      () => true,
    );
  await run(PARAMETERS);
  await exits(server, 0, 'apply', '--yes');
  await shows('Elliptic');
  await run('cp right.crt chain.pem; cat right.key right.crt >key.pem; postfix reload');
  await shows('Somebody else');
  for (const [, script] of MIXED) {
    await run(`${script}; postfix reload`);
    await until(`Postfix is without TLS: ${script}`, refuses, 20_000, 100);
    await run('cp right.crt chain.pem; cat right.key >key.pem; postfix reload');
    await shows('Somebody else');
  }
  await exits(server, 0, 'apply', '--yes');
};
