/** Which certificate the ports of a server show to somebody who trusts Pebble alone. */
import assert from 'node:assert/strict';
import type { CertificateAuthority, Internet, Ours } from '../internet/index.ts';
import { until } from '../process.ts';

/** How openssl s_client(1) speaks to each port that shows a certificate. */
const PORTS: readonly (readonly [number, string])[] = [
  [25, 'smtp'],
  [587, 'smtp'],
  [143, 'imap'],
  [4190, 'sieve'],
  [465, ''],
  [993, ''],
  [443, ''],
];

/** Serial number of what a stranger is shown there, who trusts Pebble's root alone and wants that name; empty where that does not hold. */
export const serialAt = async ({ people }: Internet, { identity }: Ours, port: number, starttls: string, name: string): Promise<string> => {
  const script = `openssl s_client -connect ${identity.addresses.v4}:${port} ${starttls === '' ? '' : `-starttls ${starttls}`} -servername ${name} \
    -verify_hostname ${name} -verify_return_error -CAfile /srv/pebble.pem </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null`;
  return (await people.room.run(['sh', '-c', script])).stdout.trim();
};

/** All ports show one that is signed; answers with its serial number. A process that was idle when it was told to reload may still answer one more connection. */
export const everywhere = async (net: Internet, server: Ours, authority: CertificateAuthority, not = ''): Promise<string> => {
  await net.people.room.put({ '/srv/pebble.pem': authority.root() });
  const { hostname } = server.identity;
  let serial = '';
  for (const [port, starttls] of PORTS) {
    const found = await until(
      `port ${port} shows another one`,
      async () => {
        const one = await serialAt(net, server, port, starttls, hostname);
        return one !== '' && one !== not ? one : undefined;
      },
      30_000,
      200,
    );
    if (serial !== '') assert.equal(found, serial, `${port}`);
    serial = found;
  }
  return serial;
};
