/** The running server of a served machine as clients see it: who may log in, whom to trust, where to dial. */
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { ImapFlow, type ImapFlowOptions } from 'imapflow';
import { boot, type BootOptions, type Machine } from './machine.ts';
import type { Release } from './kinds.ts';
import { type Output, succeeded, until } from './process.ts';
import type { Sockets, Target } from './sockets.ts';
import { served, shownPassword, upRecord } from './served.ts';
import type { TlsTrust } from './dialogue.ts';
import { openPaths, openPorts } from './listening.ts';
import { ManageSieve } from './sieve.ts';
import { tellOnFailure } from './on-failure.ts';
import { readyOn } from './ready.ts';
import { Smtp } from './smtp.ts';
import { notYetDue } from './upkeep.ts';

export const HAUSPOST = '/opt/hauspost/hauspost';
/** A stranger of profile local: mail.outside.test. */
export const STRANGER = '127.0.0.9';
/** Where people's mail programs connect from: not the server's own address, and without a name. */
export const CLIENT = '127.0.0.7';
/** The name that they give themselves. */
export const CLIENT_NAME = 'laptop.client.test';

export interface Login {
  readonly user: string;
  readonly pass: string;
}

/** Where strangers and people sit, and where they find the server. */
export interface Vantage {
  readonly sockets: Sockets;
  readonly host: string;
  /** The address of mail.outside.test. */
  readonly stranger: string;
  /** That of people's mail programs. */
  readonly client: string;
  /** The name of the server. */
  readonly hostname: string;
}

export interface Server extends AsyncDisposable {
  readonly machine: Machine;
  readonly vantage: Vantage;
  readonly trust: TlsTrust;
  /** The account that `up` made, or another that reads mail. */
  readonly demo: Login;
  /** In a process that stays (ready.ts), one after the other; `input` is standard input. */
  hauspost(words: readonly string[], input?: string): Promise<Output>;
  /** The same, where anything but exit status 0 is an exception. */
  order(...words: readonly string[]): Promise<void>;
  account(login: Login, ...flags: readonly string[]): Promise<void>;
  /** On 25, greeted and with EHLO said; as a stranger, or from another address of the machine. */
  stranger(at?: Partial<Target>): Promise<Smtp>;
  /** On 587 with STARTTLS or 465, EHLO said, logged in where `login` is given. */
  client(port: 587 | 465, login?: Login, from?: string): Promise<Smtp>;
  imap(login: Login, options?: Partial<ImapFlowOptions>, from?: string): Promise<ImapFlow>;
  /** On 4190 under TLS, not logged in. */
  sieve(from?: string): Promise<ManageSieve>;
}

const wellRunning = async (machine: Machine): Promise<true | undefined> => {
  const { stdout } = await readyOn(machine).run(['status', '--json']);
  const { services } = JSON.parse(stdout) as { services: { state: string }[] };
  return services.every(({ state }) => state === 'running') || undefined;
};

/** Unbound, which starts first, and Postfix, which starts after all whom it asks; whatever the configuration. */
const PORTS: ReadonlySet<number> = new Set([53, 25]);

/** Where Postfix asks Rspamd, which systemd calls active while it still reads its configuration; until it listens mail is told to come later. */
const FILTER = '/var/spool/postfix/rspamd/milter.sock';

/** The program is only asked when it can be so: it takes as much of the processors as the daemons' own start. */
export const allRun = async (machine: Machine): Promise<true> => {
  const listen = (): boolean => PORTS.isSubsetOf(openPorts(machine)) && openPaths(machine).has(FILTER);
  await until('the daemons listen', () => listen() || undefined, 120_000, 300);
  return until('all daemons run', () => wellRunning(machine), 120_000, 500);
};

const greeted = async (open: Promise<{ readonly smtp: Smtp; readonly greeting: { code: number } }>): Promise<Smtp> => {
  const { smtp, greeting } = await open;
  if (greeting.code !== 220) throw new Error(`greeted with ${greeting.code}`);
  return smtp;
};

const clientOn = async ({ sockets, host }: Vantage, trust: TlsTrust, port: 587 | 465, from: string): Promise<Smtp> => {
  const socket = await sockets.dial({ host, port, localAddress: from });
  if (port === 465) {
    const secure: TLSSocket = connectTls({ socket, ...trust });
    return greeted(Smtp.open(secure));
  }
  const smtp = await greeted(Smtp.open(socket));
  await smtp.command(`EHLO ${CLIENT_NAME}`);
  await smtp.startTls(trust);
  return smtp;
};

const plain = ({ user, pass }: Login): string => Buffer.from(`\0${user}\0${pass}`).toString('base64');

/** The account that `up` made on a served machine. */
const firstAccount = async (machine: Machine): Promise<Login> => {
  const user = 'demo@hauspost.test';
  return { user, pass: shownPassword(await upRecord(machine), user) };
};

/** On the machine itself, where profile `local` has everybody. */
const within = (machine: Machine): Vantage => ({
  sockets: machine,
  host: '127.0.0.1',
  stranger: STRANGER,
  client: CLIENT,
  hostname: 'mail.hauspost.test',
});

/** The server that runs on a machine, as seen from `vantage`; without one it is of profile `local`. `trusted`: PEM, instead of its own authority. */
export const serverOn = async (machine: Machine, demo?: Login, vantage = within(machine), trusted?: string): Promise<Server> => {
  const { sockets, host } = vantage;
  const ca = trusted ?? (await machine.run(['cat', '/var/lib/hauspost/tls/ca.pem'])).stdout;
  const trust = { ca, servername: vantage.hostname };
  const program = readyOn(machine);
  return {
    machine,
    vantage,
    trust,
    demo: demo ?? (await firstAccount(machine)),
    hauspost: program.run,
    order: async (...words) => void succeeded(words, await program.run(words)),
    account: async (login, ...flags) => {
      const words = ['account', 'add', login.user, '--password-stdin', ...flags];
      succeeded(words, await program.run(words, `${login.pass}\n`));
    },
    stranger: async (at = { localAddress: vantage.stranger }) => {
      const smtp = await greeted(Smtp.open(await sockets.dial({ host, port: 25, ...at })));
      await smtp.command('EHLO mail.outside.test');
      return smtp;
    },
    client: async (port, login, from = vantage.client) => {
      const smtp = await clientOn(vantage, trust, port, from);
      await smtp.command(`EHLO ${CLIENT_NAME}`);
      if (login === undefined) return smtp;
      const { code, lines } = await smtp.command(`AUTH PLAIN ${plain(login)}`);
      if (code !== 235) throw new Error(`AUTH: ${code} ${lines.join(' ')}`);
      return smtp;
    },
    imap: async (login, options = {}, from = vantage.client) => {
      const forward = await sockets.forward({ host, port: options.port ?? 993, localAddress: from });
      const imap = new ImapFlow({
        secure: true,
        auth: login,
        tls: { ca },
        logger: false,
        ...options,
        host: '127.0.0.1',
        port: forward.port,
        servername: trust.servername,
      });
      imap.on('close', () => void forward.close());
      imap.on('error', () => undefined); // the call under way rejects with it
      await imap.connect();
      return imap;
    },
    sieve: async (from = vantage.client) => {
      const { sieve } = await ManageSieve.open(await sockets.dial({ host, port: 4190, localAddress: from }));
      await sieve.startTls(trust);
      return sieve;
    },
    [Symbol.asyncDispose]: async () => {
      await program[Symbol.asyncDispose]();
      await machine[Symbol.asyncDispose]();
    },
  };
};

/** Boots a machine on which `up` has run, and waits until all its daemons run. `more`: how it is to be booted otherwise. Upkeep comes within the hour, or as a test wants it. */
export const serve = async (release: Release, more: Omit<BootOptions, 'image'> = {}): Promise<Server> => {
  const machine = await boot({ ...more, image: await served({ release, init: 'systemd' }) });
  await allRun(machine);
  await notYetDue(machine);
  const server = await serverOn(machine);
  const told = tellOnFailure(machine, server.demo.pass);
  return {
    ...server,
    [Symbol.asyncDispose]: async () => {
      told[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
};

/** The message's octets, if it is in the mailbox. */
const sourceIn = async (imap: ImapFlow, mailbox: string, messageId: string): Promise<string | undefined> => {
  const lock = await imap.getMailboxLock(mailbox);
  try {
    await imap.noop();
    const found = await imap.search({ header: { 'message-id': messageId } }, { uid: true });
    if (!Array.isArray(found)) throw new Error(`no answer to SEARCH in ${mailbox}`);
    const [uid] = found;
    if (uid === undefined) return undefined;
    const message = await imap.fetchOne(String(uid), { source: true }, { uid: true });
    return message === false ? undefined : message.source?.toString('latin1');
  } finally {
    lock.release();
  }
};

/** Where it does not matter what the filter thinks of it: in INBOX or in Spam. */
export const arrived = (imap: ImapFlow, messageId: string, ms = 30_000): Promise<string> =>
  until(
    `${messageId} is in INBOX or Spam`,
    async () => (await sourceIn(imap, 'INBOX', messageId)) ?? (await sourceIn(imap, 'Spam', messageId)),
    ms,
    100,
  );

/** The message's octets once it is in the mailbox; waits for it. */
export const fetched = (imap: ImapFlow, mailbox: string, messageId: string, ms = 30_000): Promise<string> =>
  until(`${messageId} is in ${mailbox}`, () => sourceIn(imap, mailbox, messageId), ms, 100);
