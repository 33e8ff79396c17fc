/** A domain that plain SQL adds, with an account in it: when is what that account sends DKIM-signed? */
import { dated } from './dated.ts';
import assert from 'node:assert/strict';
import { bothAre, fromKeys, signatures } from './dkim.ts';
import { arrived, type Login, type Server } from './mail.ts';
import { until } from './process.ts';
import { sql } from './sql.ts';

const message = (from: string, to: string, id: string): string =>
  [
    `From: <${from}>`,
    `To: <${to}>`,
    'Subject: a new domain',
    dated(),
    `Message-ID: <${id}@outside.test>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain',
    '',
    'text',
    '',
  ].join('\r\n');

/** Sends on an open dialogue and reads what has arrived. */
export const received = async (
  server: Server,
  open: ReturnType<Server['stranger']>,
  from: string,
  id: string,
  envelope: string = from,
): Promise<string> => {
  const smtp = await open;
  for (const line of [`MAIL FROM:<${envelope}>`, `RCPT TO:<${server.demo.user}>`]) assert.equal((await smtp.command(line)).code, 250, line);
  const { code, lines } = await smtp.data(message(from, server.demo.user, id));
  assert.equal(code, 250, lines.join(' '));
  smtp.close();
  const imap = await server.imap(server.demo);
  try {
    return await arrived(imap, `<${id}@outside.test>`);
  } finally {
    imap.close();
  }
};

/** Names of the key files in which Rspamd looks for the domain's. */
export const keyFiles = async ({ machine }: Server, domain: string): Promise<string> =>
  (await machine.run(['sh', '-c', 'ls "/var/lib/rspamd/dkim/$1" 2>/dev/null', 'ls', domain])).stdout.trim();

const BOTH_KEYS = /^(h\d{8})-ed25519\.key\n\1\.key$/;

/** Names of both key files of a domain that has just been added, once they are there. */
export const ownKeys = (server: Server, domain: string): Promise<string> =>
  until(
    `${domain} has its keys`,
    async () => {
      const found = await keyFiles(server, domain);
      return BOTH_KEYS.test(found) ? found : undefined;
    },
    60_000,
    250,
  );

/** The filter may just have heard of the one key and not of the other. */
export const isSignedTwice = (source: string): boolean => source.match(/^DKIM-Signature:/gim)?.length === 2;

/** Of the account that is added with the domain. */
export const loginOf = (domain: string): Login => ({ user: `anna@${domain}`, pass: 'anna-password' });

/** Adds both, sends until it is signed, verifies; answers with the milliseconds since the insertion. */
export const signsAfterSql = async (server: Server, domain: string): Promise<number> => {
  const login = loginOf(domain);
  assert.equal(await keyFiles(server, domain), '', 'it has no key before');
  await sql(
    server.machine,
    `INSERT INTO domains (domain) VALUES ('${domain}');
     INSERT INTO accounts (username, domain, password, enabled) VALUES ('anna', '${domain}', '{PLAIN}${login.pass}', 1);`,
  );
  const begun = performance.now();
  let sent = begun;
  let n = 0;
  const source = await until(
    `mail of ${domain} is signed`,
    async () => {
      n += 1;
      sent = performance.now();
      const got = await received(server, server.client(587, login), login.user, `${domain}-${n}`);
      return isSignedTwice(got) ? got : undefined;
    },
    180_000,
    500,
  );
  assert.deepEqual(await signatures(source, fromKeys(server.machine)), bothAre(domain));
  assert.match(await keyFiles(server, domain), BOTH_KEYS);
  console.log(`    ${domain} signed ${Math.round(sent - begun)} ms after it was inserted`);
  return sent - begun;
};
