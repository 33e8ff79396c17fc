/** Receivers far away who remember what DNS told them for as long as it lives, and the mail that they get all the while. */
import assert from 'node:assert/strict';
import { authenticate, type AuthenticateOptions } from 'mailauth';
import { dated } from '../dated.ts';
import { askingFrom, type EximServer, type Ours } from '../internet/index.ts';
import type { Login } from '../mail.ts';
import type { Reply, Smtp } from '../smtp.ts';
import { until } from '../process.ts';

/** What a record of these zones lives at most; whoever asks goes on with an answer for so long. */
const REMEMBERED_MS = 60_000;

type Ask = ReturnType<typeof askingFrom>;

/** Asks again only when what it was told has run out. */
const remembering = (ask: Ask): Ask => {
  const told = new Map<string, { readonly at: number; readonly answer: Promise<unknown[]> }>();
  return (name, type) => {
    const key = `${type} ${name}`;
    const known = told.get(key);
    if (known !== undefined && performance.now() - known.at < REMEMBERED_MS) return known.answer;
    const answer = ask(name, type);
    told.set(key, { at: performance.now(), answer });
    // That there is none is not remembered in these zones.
    void answer.catch(() => told.delete(key));
    return answer;
  };
};

/** What came to Exim is looked at as it comes, by mailauth: each message has two signatures, and both hold. */
export interface Receiver {
  /** Looks at what has come since the last time. */
  look(): Promise<void>;
  readonly ids: ReadonlySet<string>;
  readonly selectors: ReadonlySet<string>;
  readonly failures: readonly string[];
}

const NEW_FILES =
  'cd /srv/mail/new 2>/dev/null || exit 0; for file in *; do [ -e "/srv/seen/$file" ] || { : >"/srv/seen/$file"; cat "$file"; printf "\\0"; }; done';

const idIn = (message: string): string => /^Message-ID: <([^>]+)>/im.exec(message)?.[1] ?? '';

export const receiverAt = async ({ host }: EximServer): Promise<Receiver> => {
  await host.must(['mkdir', '-p', '/srv/seen']);
  const resolver = remembering(askingFrom(host)) as NonNullable<AuthenticateOptions['resolver']>;
  const [ids, selectors, failures] = [new Set<string>(), new Set<string>(), [] as string[]];
  const judge = async (message: string): Promise<void> => {
    const source = Buffer.from(message.replace(/\r?\n/g, '\r\n'), 'latin1');
    const { dkim } = await authenticate(source, { resolver, mta: host.name, disableArc: true, disableDmarc: true, disableBimi: true });
    const id = idIn(message);
    ids.add(id);
    for (const { selector } of dkim.results) selectors.add(selector ?? '');
    const results = dkim.results.map(({ selector, status }) => `${selector} ${status.result} ${status.comment ?? ''}`);
    if (results.length !== 2 || dkim.results.some(({ status }) => status.result !== 'pass')) failures.push(`${id}: ${results.join(', ')}`);
  };
  return {
    ids,
    selectors,
    failures,
    look: async () => {
      const { stdout } = await host.room.run(['sh', '-c', NEW_FILES], { encoding: 'latin1' });
      for (const message of stdout.split('\0')) if (idIn(message) !== '') await judge(message);
    },
  };
};

/** What is repeated until it is told to stop; a failure shows at the end. */
export const repeating = (work: () => Promise<void>, everyMs: number): (() => Promise<void>) => {
  const over = new AbortController();
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const begun = performance.now();
      await work();
      const rest = everyMs - (performance.now() - begun);
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    }
  };
  const running = run();
  void running.catch(() => undefined);
  return () => {
    over.abort();
    return running;
  };
};

const letter = (from: string, to: string, id: string): string =>
  [
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: ${id}`,
    dated(),
    `Message-ID: <${id}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain',
    '',
    'Hello.',
    '',
  ].join('\r\n');

/** Handed in by whoever is logged in there, and taken. */
export const submit = async (smtp: Smtp, from: string, to: string, id: string): Promise<void> => {
  const agreed = (what: string, { code, lines }: Reply): void => assert.equal(code, 250, `${what}: ${code} ${lines.join(' ')}`);
  for (const line of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`]) agreed(line, await smtp.command(line));
  agreed(id, await smtp.data(letter(from, to, id)));
};

/** One session for all that somebody sends; each message is taken. */
export interface Sender {
  readonly ids: readonly string[];
  send(to: string): Promise<void>;
  close(): void;
}

export const senderOf = (smtp: Smtp, { user }: Login): Sender => {
  const ids: string[] = [];
  return {
    ids,
    send: async (to) => {
      const id = `${ids.length + 1}.to.${to.split('@')[1]}.from.${user}`;
      await submit(smtp, user, to, id);
      ids.push(id);
    },
    close: () => smtp.close(),
  };
};

/** Message-IDs that have come to the mailbox of `demo`, with what the server says that it verified. */
export const verifiedIn = async (server: Ours): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  const imap = await server.imap(server.demo);
  for (const folder of ['INBOX', 'Spam']) {
    const lock = await imap.getMailboxLock(folder);
    try {
      for await (const { headers, envelope } of imap.fetch('1:*', { headers: ['authentication-results'], envelope: true }))
        found.set((envelope?.messageId ?? '').replace(/[<>]/g, ''), (headers?.toString() ?? '').replace(/\r\n[ \t]+/g, ' '));
    } finally {
      lock.release();
    }
  }
  await imap.logout();
  return found;
};

/** What the mail log of a server says of a message. */
const fateOf = async ({ machine }: Ours, id: string): Promise<string> => {
  const lines = (await machine.journal()).split('\n');
  const queued = lines.flatMap((line) => (line.includes(id) ? (/ (\w{6,}): message-id=/.exec(line)?.[1] ?? []) : []));
  return lines.filter((line) => line.includes(id) || queued.some((number) => line.includes(` ${number}: `))).join('\n');
};

/** All of them have come; `at` says of one that did not what became of it. */
export const allCome = async (what: string, wanted: readonly string[], there: () => Promise<Iterable<string>>, at?: Ours): Promise<void> => {
  let missing: readonly string[] = [];
  const looked = async (): Promise<true | undefined> => {
    const come = new Set(await there());
    missing = wanted.filter((id) => !come.has(id));
    return missing.length === 0 || undefined;
  };
  try {
    await until(() => `${what}: ${wanted.length} messages without ${missing.join(' ')}`, looked, 120_000, 1000);
  } catch (error) {
    if (at !== undefined) console.log(await fateOf(at, missing[0] ?? ''));
    throw error;
  }
};
