/** Which certificate the ports of a server show to somebody who trusts Pebble alone. */
import assert from 'node:assert/strict';
import { Dialogue } from '../dialogue.ts';
import type { CertificateAuthority, Internet, Ours } from '../internet/index.ts';
import { until } from '../process.ts';

/** What is said, and what is waited for, until TLS may begin. */
type Opening = readonly (readonly [said: string, answer: RegExp])[];

const SMTP: Opening = [
  ['', /^(?:220-[^\n]*\n)*220 [^\n]*\n/],
  ['EHLO laptop.client.test\r\n', /^(?:250-[^\n]*\n)*250 [^\n]*\n/],
  ['STARTTLS\r\n', /^220 [^\n]*\n/],
];
const IMAP: Opening = [
  ['', /^\* OK [^\n]*\n/],
  ['a STARTTLS\r\n', /^a OK [^\n]*\n/],
];
const SIEVE: Opening = [
  ['', /^(?:"[^\n]*\n)*OK[^\n]*\n/],
  ['STARTTLS\r\n', /^OK[^\n]*\n/],
];

/** How each port that shows a certificate is spoken to. */
const PORTS: ReadonlyMap<number, Opening> = new Map([
  [25, SMTP],
  [587, SMTP],
  [143, IMAP],
  [4190, SIEVE],
  [465, []],
  [993, []],
  [443, []],
]);

const ANSWER_MS = 20_000;

/** Serial number of what a stranger is shown there, who trusts the authority's root alone and wants that name; empty where that does not hold. */
export const serialAt = async (
  { people }: Internet,
  { identity }: Ours,
  authority: CertificateAuthority,
  port: number,
  name: string,
): Promise<string> => {
  let dialogue: Dialogue | undefined;
  try {
    dialogue = new Dialogue(await people.dial({ host: identity.addresses.v4, port }));
    for (const [said, answer] of PORTS.get(port) ?? []) {
      dialogue.send(said);
      await dialogue.take(answer, ANSWER_MS);
    }
    const { serialNumber } = await dialogue.secure({ ca: authority.root(), servername: name });
    return serialNumber;
  } catch {
    return '';
  } finally {
    dialogue?.close();
  }
};

/** All ports show one that is signed; answers with its serial number. A process that was idle when it was told to reload may still answer one more connection. */
export const everywhere = async (net: Internet, server: Ours, authority: CertificateAuthority, not = ''): Promise<string> => {
  const { hostname } = server.identity;
  let serial = '';
  for (const port of PORTS.keys()) {
    const found = await until(
      `port ${port} shows another one`,
      async () => {
        const one = await serialAt(net, server, authority, port, hostname);
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
