/** What waits at a server of ours, what was tried, and who hears that it failed: by Postfix's queue, its log, and the mailboxes. */
import type { Ours } from '../internet/index.ts';
import type { Login, Server } from '../mail.ts';
import { succeeded, until } from '../process.ts';

export interface Attempt {
  /** Seconds since the machine was switched on. */
  readonly at: number;
  /** `sent`, `deferred`, `bounced`. */
  readonly status: string;
  /** Enhanced status code (RFC 3463). */
  readonly code: string;
  /** What stands behind it in the log, without the parentheses. */
  readonly words: string;
  /** The name, address and port that it went to, or `none`. */
  readonly relay: string;
  /** Seconds since the message came. */
  readonly age: number;
  /** The same without the time that it took to come: from when it was in the queue, which is what the queue manager goes by. */
  readonly queued: number;
}

const ATTEMPT =
  /^\[ *([\d.]+)\] \S+ postfix\/(?:smtp|error)\[\d+\]: \w+: to=<([^>]*)>,.* relay=([^,]+),.* delay=([\d.]+), delays=([\d.]+)\/.* dsn=([\d.]+), status=(\w+) \((.*)\)$/;

/** All that Postfix has logged for a recipient so far, in order. */
export const attemptsFor = async ({ machine }: Server, to: string): Promise<readonly Attempt[]> =>
  (await machine.journalSoFar()).split('\n').flatMap((line) => {
    const [, at, address, relay = '', age, coming, code = '', status = '', words = ''] = (line.includes(`to=<${to}>`) && ATTEMPT.exec(line)) || [];
    return address === to ? [{ at: Number(at), status, code, words, relay, age: Number(age), queued: Number(age) - Number(coming) }] : [];
  });

/** All of them, once there are so many; waits for that. */
export const attempted = async (server: Server, to: string, times = 1, ms = 60_000): Promise<readonly Attempt[]> => {
  let found: readonly Attempt[] = [];
  const enough = async (): Promise<readonly Attempt[] | undefined> => {
    found = await attemptsFor(server, to);
    return found.length >= times ? found : undefined;
  };
  return until(() => `${times} attempts for ${to}; so far ${JSON.stringify(found)}`, enough, ms, 250);
};

/** The only attempt for a recipient of one message; waits for it. */
export const onlyAttempt = async (server: Server, to: string, ms = 60_000): Promise<Attempt> => {
  const [attempt, ...more] = await attempted(server, to, 1, ms);
  if (attempt === undefined || more.length > 0) throw new Error(`${to} was tried again: ${JSON.stringify(more)}`);
  return attempt;
};

interface Waiting {
  readonly queue_name: string;
  readonly recipients: readonly { readonly address: string }[];
}

const waiting = async ({ machine }: Server): Promise<readonly Waiting[]> => {
  const argv = ['postqueue', '-j'];
  const { stdout } = succeeded(argv, await machine.run(argv));
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Waiting]));
};

const addressesOf = (messages: readonly Waiting[]): readonly string[] =>
  messages.flatMap(({ recipients }) => recipients.map(({ address }) => address));

/** Recipients of messages in the queue. */
export const waitingFor = async (server: Server): Promise<readonly string[]> => addressesOf(await waiting(server));

/** All of them are put off, and a flush finds them: that is logged a moment before. */
export const putOff = (server: Server, ...recipients: readonly string[]): Promise<true> =>
  until(
    `put off: ${recipients.join(', ')}`,
    async () => {
      const there = addressesOf((await waiting(server)).filter(({ queue_name: queue }) => queue === 'deferred'));
      return recipients.every((each) => there.includes(each)) || undefined;
    },
    30_000,
    100,
  );

/** Nothing waits for them any more. */
export const gone = (server: Server, ...recipients: readonly string[]): Promise<true> =>
  until(
    `nothing waits for ${recipients.join(', ')}`,
    async () => {
      const there = await waitingFor(server);
      return !recipients.some((each) => there.includes(each)) || undefined;
    },
    60_000,
    200,
  );

/** As an operator does who cannot wait: all that waits is tried now. */
export const flush = async ({ machine }: Server): Promise<void> => {
  const argv = ['postqueue', '-f'];
  succeeded(argv, await machine.run(argv));
};

type Settings = Readonly<Record<string, string>>;

/** Settings of main.cf that somebody changes by hand, and of services of master.cf (`postconf -P`), and puts back. */
export const byHand = async ({ machine }: Server, settings: Settings, services: Settings = {}): Promise<AsyncDisposable> => {
  const shell = async (script: string, ...words: readonly string[]): Promise<void> => {
    const argv = ['sh', '-ec', script, 'sh', ...words];
    succeeded(argv, await machine.run(argv));
  };
  const lines = (of: Settings): readonly string[] => Object.entries(of).map(([name, value]) => `${name}=${value}`);
  await shell('cp -p /etc/postfix/main.cf /etc/postfix/master.cf /root; postconf -e "$@"', ...lines(settings));
  if (Object.keys(services).length > 0) await shell('postconf -P "$@"', ...lines(services));
  await shell('postfix reload');
  return { [Symbol.asyncDispose]: () => shell('cp -p /root/main.cf /root/master.cf /etc/postfix; postfix reload') };
};

/** Notices of failure in an INBOX whose text holds one of `about`; octets as latin1. */
export const noticesAbout = async (server: Server, login: Login, ...about: readonly string[]): Promise<readonly string[]> => {
  const imap = await server.imap(login);
  try {
    await imap.mailboxOpen('INBOX');
    const uids = new Set<number>();
    for (const body of about) for (const uid of (await imap.search({ from: 'MAILER-DAEMON', body }, { uid: true })) || []) uids.add(uid);
    const found: string[] = [];
    for (const uid of uids) {
      const message = await imap.fetchOne(String(uid), { source: true }, { uid: true });
      if (message !== false) found.push(message.source?.toString('latin1') ?? '');
    }
    return found;
  } finally {
    await imap.logout();
  }
};

/** The only one; waits for it. */
export const noticeAbout = async (server: Server, login: Login, about: string, ms = 60_000): Promise<string> => {
  const found = await until(
    `${login.user} has a notice about ${about}`,
    async () => {
      const notices = await noticesAbout(server, login, about);
      return notices.length > 0 ? notices : undefined;
    },
    ms,
    300,
  );
  if (found.length > 1) throw new Error(`${found.length} notices about ${about}`);
  return found[0] ?? '';
};

/** `up` made the account; its password becomes this one. */
export const postmasterOf = async (server: Ours): Promise<Login> => {
  const login = { user: `postmaster@${server.identity.domain}`, pass: 'password-of-postmaster' };
  const words = ['account', 'passwd', login.user, '--password-stdin'];
  succeeded(words, await server.hauspost(words, `${login.pass}\n`));
  return login;
};
