/** How it shows, over real sockets, what the database says of an address: words to compare. */
import { dated } from './dated.ts';
import type { Login, Server } from './mail.ts';
import type { Outside } from './outside.ts';
import { canLogIn } from './people.ts';
import { until } from './process.ts';

export interface Scene {
  readonly server: Server;
  readonly abroad: Outside;
}
export type Look = (scene: Scene) => Promise<string>;

const plain = ({ user, pass }: Login): string => Buffer.from(`\0${user}\0${pass}`).toString('base64');
let sent = 0;
/** Another sender each time: of a sender and recipient that were refused together smtpd remembers that (docs/postfix.md). */
const nextSender = (): string => {
  sent += 1;
  return `friend-${sent}@outside.test`;
};

/** Code and enhanced code of the answer to RCPT of a stranger's message of so many octets. */
export const rcpt =
  (address: string, size = 100): Look =>
  async ({ server }) => {
    const smtp = await server.stranger();
    await smtp.command(`MAIL FROM:<${nextSender()}> SIZE=${size}`);
    const { code, lines } = await smtp.command(`RCPT TO:<${address}>`);
    smtp.close();
    return `${code} ${/^\d\.\d\.\d/.exec(lines[0] ?? '')?.[0] ?? ''}`;
  };
export const TAKEN = '250 2.1.5';
export const NOBODY = '550 5.1.1';
export const DISABLED = '550 5.2.1';
export const SENDS_ONLY = '550 5.7.1';
export const NOT_OURS = '554 5.7.1';
export const FULL = '452 4.2.2';

export const reads =
  (user: string, pass = 'pw'): Look =>
  async ({ server }) =>
    (await canLogIn(server, { user, pass })) ? 'yes' : 'no';

/** The answer to AUTH on 465. */
export const submits =
  (user: string, pass = 'pw'): Look =>
  async ({ server }) => {
    const smtp = await server.client(465);
    const { code } = await smtp.command(`AUTH PLAIN ${plain({ user, pass })}`);
    smtp.close();
    return code === 235 ? 'yes' : code === 535 ? 'no' : String(code);
  };

export const mayUse =
  (sender: string, user: string, pass = 'pw'): Look =>
  async ({ server }) => {
    const smtp = await server.client(465, { user, pass });
    await smtp.command(`MAIL FROM:<${sender}>`);
    const { code } = await smtp.command(`RCPT TO:<${server.demo.user}>`);
    smtp.close();
    return code === 250 ? 'yes' : code === 553 ? 'no' : String(code);
  };

/** GETQUOTA (RFC 9208) in MB. */
export const quotaOf =
  (user: string, pass = 'pw'): Look =>
  async ({ server }) => {
    const imap = await server.imap({ user, pass });
    const quota = await imap.getQuota('INBOX');
    imap.close();
    const limit = quota === false ? undefined : quota.storage?.limit;
    return limit === undefined ? 'none' : `${limit / 1024 ** 2} MB`;
  };

/** The mailboxes that hold a message in the end, one word for each copy, and addresses outside; a code where it is refused at RCPT. */
export const goesTo =
  (address: string): Look =>
  async ({ server, abroad }) => {
    const from = nextSender();
    const id = `to-${from.split('@')[0]}-end`;
    const smtp = await server.stranger();
    await smtp.command(`MAIL FROM:<${from}>`);
    const recipient = await smtp.command(`RCPT TO:<${address}>`);
    if (recipient.code !== 250) {
      smtp.close();
      return String(recipient.code);
    }
    const text = [`From: <${from}>`, `To: <${address}>`, dated(), `Message-ID: <${id}@outside.test>`];
    const { code, lines } = await smtp.data([...text, 'Subject: where to', 'MIME-Version: 1.0', '', 'text', ''].join('\r\n'));
    smtp.close();
    const number = /queued as (\w+)/.exec(lines.join(' '))?.[1];
    if (code !== 250 || number === undefined) return `${code} ${lines.join(' ')}`;
    const isDone = async (): Promise<true | undefined> =>
      !(await server.machine.run(['postqueue', '-j'])).stdout.includes(`"${number}"`) || undefined;
    await until(`${number} has left the queue`, isDone, 30_000, 50);
    const { stdout } = await server.machine.run(['grep', '--recursive', '--files-with-matches', id, '/var/vmail/mailboxes']);
    const here = [...stdout.matchAll(/^\/var\/vmail\/mailboxes\/([^/]+)\/([^/]+)\/.*\/(?:new|cur)\/[^/]+$/gm)].map(
      ([, domain, user]) => `${user}@${domain}`,
    );
    const away = abroad.received.filter(({ source }) => source.includes(id)).flatMap(({ to }) => to);
    return [...here, ...away].toSorted().join(' ');
  };

/** What smtp(8) is told about the destination. */
export const policy =
  (domain: string): Look =>
  async ({ server }) =>
    (await server.machine.run(['postmap', '-q', domain, 'proxy:mysql:/etc/postfix/sql/tls-policy.cf'])).stdout.trim();
