/**
 * `sh lab/node.sh bench/accounts.ts [bookworm|trixie]`: delivered messages/s with many people in the database against those with 100: 100,000 accounts with
 * 300,000 aliases, and P5, 1,000,000 accounts. Two machines on which `up` has run take turns. Writes its section of docs/figures.md; exit status 1 if a ratio is
 * below 0.9.
 */
import { type Crowd, nameOf, type Release, type Server, serve, settle, until } from '#lab';
import { record } from './record.ts';

const LEAST = 0.9;
const ROUNDS = 3;
const MESSAGES = 300;
const CONNECTIONS = 5;
const DOMAIN = 'bench.test';
/** They get the mail, on both machines. */
const RECIPIENTS: Crowd = { domain: DOMAIN, accounts: 100 };

type AddressOf = (number: number) => string;
const account: AddressOf = (number) => nameOf(number, DOMAIN);
/** As `settle` names them. */
const alias: AddressOf = (number) => `second${nameOf(number, DOMAIN).slice('user'.length)}`;

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
const send = async (server: Server, count: number, addressOf: AddressOf): Promise<void> => {
  const smtp = await server.stranger();
  for (let sent = 0; sent < count; sent += 1) {
    const to = addressOf(1 + (made % RECIPIENTS.accounts));
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
const round = async (server: Server, messages: number, addressOf: AddressOf): Promise<number> => {
  const wanted = (await there(server)) + messages;
  const begun = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, () => send(server, messages / CONNECTIONS, addressOf)));
  await until('all is delivered', async () => ((await there(server)) >= wanted ? true : undefined), 300_000, 100);
  return (1000 * messages) / (performance.now() - begun);
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

interface Figure {
  readonly what: string;
  readonly few: number;
  readonly many: number;
}

const compared = async (few: Server, many: Server, what: string, addressOf: AddressOf): Promise<Figure> => {
  const [slow, fast]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    slow.push(await round(many, MESSAGES, addressOf));
    fast.push(await round(few, MESSAGES, addressOf));
  }
  const figure = { what, few: median(fast), many: median(slow) };
  process.stdout.write(
    `${what}: ${figure.few.toFixed(1)} messages/s with few, ${figure.many.toFixed(1)} with many: ${(figure.many / figure.few).toFixed(2)}\n`,
  );
  return figure;
};

const release: Release = process.argv[2] === 'bookworm' ? 'bookworm' : 'trixie';
await using few = await serve(release);
await using many = await serve(release);
await settle(few.machine, [RECIPIENTS], 'with aliases');
await settle(many.machine, [RECIPIENTS, { domain: 'others.test', accounts: 100_000 - RECIPIENTS.accounts }], 'with aliases');
// Each mailbox is made with its first message.
for (const server of [few, many]) await round(server, RECIPIENTS.accounts, account);
const figures = [
  await compared(few, many, '100,000 accounts and 300,000 aliases, mail to accounts', account),
  await compared(few, many, '100,000 accounts and 300,000 aliases, mail by way of an alias', alias),
];
await settle(many.machine, [{ domain: 'million.test', accounts: 900_000 }], 'without aliases');
figures.push(await compared(few, many, 'P5: 1,000,000 accounts (300,000 aliases), mail to accounts', account));
record(
  `Many accounts (${release})`,
  `\`bench/accounts.ts ${release}\`: messages/s delivered through the full chain, ${CONNECTIONS} connections, medians of ${ROUNDS} rounds of ${MESSAGES} messages to 100 mailboxes. Few: 100 accounts and 300 aliases. At least ${LEAST} is wanted.`,
  [
    ['in the database', 'with few', 'with so many', 'ratio'],
    ...figures.map((each) => [each.what, each.few.toFixed(1), each.many.toFixed(1), (each.many / each.few).toFixed(2)]),
  ],
);
process.exitCode = figures.every((each) => each.many / each.few >= LEAST) ? 0 : 1;
