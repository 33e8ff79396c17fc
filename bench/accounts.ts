/**
 * `sh lab/node.sh bench/accounts.ts [bookworm|trixie]`: P5, delivered messages/s with 1,000,000 accounts in the database against that with 100. Two machines on
 * which `up` has run take turns. One line, and exit status 1 if the ratio is below 0.9.
 */
import { type Release, type Server, nameOf, serve, settle, until } from '#lab';

const LEAST = 0.9;
const ROUNDS = 5;
const MESSAGES = 500;
const CONNECTIONS = 5;
const DOMAIN = 'bench.test';
/** They get the mail, on both machines. */
const RECIPIENTS = { domain: DOMAIN, accounts: 100 };
const OTHERS = { domain: 'others.test', accounts: 1_000_000 - RECIPIENTS.accounts };

let made = 0;
const message = (to: string): string => {
  const number = ++made;
  return [
    ...['From: <friend@outside.test>', `To: <${to}>`, `Message-ID: <bench-${number}@outside.test>`, `Date: ${new Date().toUTCString()}`],
    ...[`Subject: letter ${number}`, 'MIME-Version: 1.0', 'Content-Type: text/plain; charset=us-ascii', ''],
    ...Array.from({ length: 30 }, (_, line) => `Letter ${number}, line ${line}: ${((number * 7919 + line) * 104_729).toString(36)}`),
  ].join('\r\n');
};

/** One after the other over one connection; each must be answered with 250. */
const send = async (server: Server, count: number): Promise<void> => {
  const smtp = await server.stranger();
  for (let sent = 0; sent < count; sent += 1) {
    const to = nameOf(1 + (made % RECIPIENTS.accounts), DOMAIN);
    const replies = [await smtp.command('MAIL FROM:<friend@outside.test>'), await smtp.command(`RCPT TO:<${to}>`), await smtp.data(message(to))];
    const refused = replies.find(({ code }) => code !== 250);
    if (refused !== undefined) throw new Error(`${refused.code} ${refused.lines.join(' ')}`);
  }
  smtp.close();
};

/** Files in mailboxes: all mail of it that was delivered. */
const there = async ({ machine }: Server): Promise<number> => {
  const { stdout } = await machine.run(['sh', '-c', `find /var/vmail/mailboxes/${DOMAIN} -type f -path '*/new/*' | wc -l`]);
  return Number(stdout);
};

/** Messages a second, from the first MAIL to the last delivery. */
const round = async (server: Server, messages: number): Promise<number> => {
  const wanted = (await there(server)) + messages;
  const begun = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, () => send(server, messages / CONNECTIONS)));
  await until('all is delivered', async () => ((await there(server)) >= wanted ? true : undefined), 300_000, 100);
  return (1000 * messages) / (performance.now() - begun);
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const release: Release = process.argv[2] === 'bookworm' ? 'bookworm' : 'trixie';
await using few = await serve(release);
await using many = await serve(release);
await settle(few.machine, [RECIPIENTS], 'without aliases');
await settle(many.machine, [RECIPIENTS, OTHERS], 'without aliases');
// Each mailbox is made with its first message.
for (const server of [few, many]) await round(server, RECIPIENTS.accounts);
const [slow, fast]: [number[], number[]] = [[], []];
for (let turn = 0; turn < ROUNDS; turn += 1) {
  slow.push(await round(many, MESSAGES));
  fast.push(await round(few, MESSAGES));
}
const ratio = median(slow) / median(fast);
process.stdout.write(
  `P5, ${release}: ${median(fast).toFixed(1)} delivered messages/s with 100 accounts, ${median(slow).toFixed(1)} with 1,000,000: ${ratio.toFixed(2)} (at least ${LEAST})\n`,
);
process.exitCode = ratio >= LEAST ? 0 : 1;
