/** Mail that somebody of ours sends into the internet, and what Postfix says has become of it. */
import { dated } from '../dated.ts';
import { until } from '../process.ts';
import type { Ours } from './ours.ts';

export interface Fate {
  /** `sent`, `deferred`, `bounced`. */
  readonly status: string;
  /** What stands behind it in the log, without the parentheses. */
  readonly words: string;
  /** The name and the address that it went to, or `none`. */
  readonly relay: string;
  /** Of the connection, in Postfix's words (`Verified`, `Trusted`, `Untrusted`, `Anonymous`) and the version (`TLSv1.3`); undefined where it was in clear. */
  readonly tls: { readonly level: string; readonly version: string } | undefined;
}

let sent = 0;

/** Right after an apply, while the filter still reads its configuration (milter_default_action). */
const WITHOUT_FILTER = /451 4\.7\.1 Service unavailable/;

/** A person hands in a message to `to` on port 587; answers with its subject, which no other message has. */
export const handIn = async (server: Ours, to: string, from = server.demo.user, more: readonly string[] = []): Promise<string> => {
  const subject = `message-${++sent}-of-${process.pid}`;
  const head = [`From: <${from}>`, `To: <${to}>`, `Subject: ${subject}`, dated(), `Message-ID: <${subject}@${server.identity.domain}>`];
  const source = [...head, ...more, 'MIME-Version: 1.0', 'Content-Type: text/plain', '', 'Hello there.', ''].join('\r\n');
  /** The first answer that is no agreement, with the line that it is about; else the last. */
  const attempt = async (): Promise<string> => {
    const smtp = await server.client(587, server.demo);
    try {
      for (const line of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`]) {
        const { code, lines } = await smtp.command(line);
        if (code !== 250) return `${line}: ${code} ${lines.join(' ')}`;
      }
      const { code, lines } = await smtp.data(source);
      return `${code} ${lines.join(' ')}`;
    } finally {
      smtp.close();
    }
  };
  const answer = await until(
    'the filter is there',
    async () => {
      const told = await attempt();
      return WITHOUT_FILTER.test(told) ? undefined : told;
    },
    30_000,
    500,
  );
  if (!answer.startsWith('250 ')) throw new Error(answer);
  return subject;
};

const STATUS = /postfix\/(?:smtp|error)\[(\d+)\]: \w+: to=<([^>]*)>,.* relay=([^,]+),.* status=(\w+) \((.*)\)$/;

/** Of the first attempt for `to`, if there was one. */
const fateIn = (journal: string, to: string): Fate | undefined => {
  const lines = journal.split('\n');
  const at = lines.findIndex((line) => line.includes(`to=<${to}>`) && STATUS.exec(line)?.[2] === to);
  const [, pid = '', , relay = '', status = '', words = ''] = STATUS.exec(lines[at] ?? '') ?? [];
  if (status === '') return undefined;
  const host = relay.split('[')[0] ?? '';
  const earlier = lines.slice(0, at);
  // The same process may have delivered another message before.
  const begun = earlier.findLastIndex((line) => STATUS.exec(line)?.[1] === pid);
  const tls = earlier
    .slice(begun + 1)
    .findLast((line) => line.includes(`postfix/smtp[${pid}]: `) && line.includes(` TLS connection established to ${host}[`));
  const [, level = '', version = ''] = /: (\w+) TLS connection established to \S+: (\S+) with/.exec(tls ?? '') ?? [];
  return { status, words, relay, tls: tls === undefined ? undefined : { level, version } };
};

/** What became of the first attempt for an address that got nothing else; waits for it. */
export const fateOf = (server: Ours, to: string, ms = 60_000): Promise<Fate> =>
  until(`there was an attempt for ${to}`, async () => fateIn(await server.machine.journalSoFar(), to), ms, 250);

/** An address that nobody else writes to. */
export const readerAt = (domain: string): string => `reader-${++sent}@${domain}`;

/** Both: for a recipient of `domain` whom nobody else writes to; with `more` in the header. */
export const fateAt = async (
  server: Ours,
  domain: string,
  more: readonly string[] = [],
): Promise<Fate & { readonly subject: string; readonly to: string }> => {
  const to = readerAt(domain);
  const subject = await handIn(server, to, server.demo.user, more);
  return { ...(await fateOf(server, to)), subject, to };
};
