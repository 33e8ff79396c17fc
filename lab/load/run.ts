/** A busy hour in small: all senders and readers at once, for a given time. Nothing is judged here; what was not as it should be is told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inMailbox } from '../delivered.ts';
import type { Ours } from '../internet/index.ts';
import { ok } from '../people.ts';
import { CROWD, type LoadPlace, pause } from './place.ts';
import { type Reader, reads } from './readers.ts';
import { bring, leave, session, type Taken } from './sessions.ts';
import { type Strays, strays } from './strays.ts';
import { type Wait, Waits } from './waits.ts';

/** Connections of each sender. */
const EACH = 20;
export const CONNECTIONS = CROWD.length * EACH;
export const READERS = 20;
const LOOK_MS = 10_000;

export interface LoadSize {
  /** From when all are connected. */
  readonly seconds: number;
  /** From one message of a connection to its next, 0: at once. */
  readonly everyMs: number;
  /** Begins each Message-ID. */
  readonly mark: string;
}

export interface Load {
  readonly mark: string;
  readonly taken: Taken;
  readonly answers: Waits;
  readonly commands: Waits;
  readonly readers: readonly Reader[];
  readonly strays: Strays;
  /** How many connections of the senders had an smtpd(8) of their own, at each look. */
  readonly open: readonly number[];
  /** What a sender heard or a reader had that it should not: refusals, lost connections, failed commands. */
  readonly amiss: readonly string[];
}

/** Processes that hold a connection of a sender. */
const served = async ({ machine }: Ours): Promise<number> => {
  const { stdout } = ok(await machine.run(['ss', '-Htnp', 'state', 'established', 'sport = :25']));
  const from = new Set(CROWD.flatMap(({ addresses: { v4, v6 } }) => [v4, `[${v6}]`]));
  const pids = stdout.split('\n').flatMap((line) => {
    const [, peer = '', pid = ''] = /(\S+):\d+ +users:\(\("smtpd",pid=(\d+),/.exec(line) ?? [];
    return from.has(peer) ? [pid] : [];
  });
  return new Set(pids).size;
};

const looks = async (server: Ours, over: AbortSignal): Promise<readonly number[]> => {
  const seen: number[] = [];
  while (!over.aborted) {
    seen.push(await served(server));
    await pause(LOOK_MS, over);
  }
  return seen;
};

/** ImapFlow says what the server answered apart from the error. */
const wordsOf = (reason: unknown): string => [String(reason), (reason as { readonly responseText?: string }).responseText ?? []].flat().join(': ');

/** What fails is told, and the others go on. */
const allOf = async <T>(amiss: string[], works: readonly Promise<T>[]): Promise<readonly T[]> => {
  const settled = await Promise.allSettled(works);
  return settled.flatMap((each) => {
    if (each.status === 'fulfilled') return [each.value];
    amiss.push(wordsOf(each.reason));
    return [];
  });
};

export const runLoad = async (place: LoadPlace, { seconds, everyMs, mark }: LoadSize): Promise<Load> => {
  const { server, people } = place;
  const [answers, commands, taken, amiss]: [Waits, Waits, Taken, string[]] = [new Waits(), new Waits(), new Map(), []];
  const senders = CROWD.flatMap((sender) => Array.from({ length: EACH }, () => sender));
  const programs = Array.from({ length: READERS }, (_, number) => people[number % people.length] ?? server.demo);
  const sessions = await allOf(
    amiss,
    senders.map((sender, number) => session(place, sender, number, answers)),
  );
  const imaps = await allOf(
    amiss,
    programs.map((login) => commands.of('LOGIN', server.imap(login, { disableAutoIdle: true }))),
  );
  const end = new AbortController();
  const over = end.signal;
  const clock = sleep(seconds * 1000).then(() => end.abort());
  const bringing = { mark, everyMs, among: senders.length, taken, over };
  const [, readers, [told = { nameless: [], spammer: [] }], [open = []]] = await Promise.all([
    allOf(
      amiss,
      sessions.map((one) => bring(one, place, bringing)),
    ),
    allOf(
      amiss,
      imaps.map((imap, number) => reads(imap, number < people.length ? '$One' : '$Two', commands, over)),
    ),
    allOf(amiss, [strays(place, over)]),
    allOf(amiss, [looks(server, over)]),
    clock,
  ]);
  await allOf(amiss, sessions.map(leave));
  await allOf(
    amiss,
    imaps.map((imap) => commands.of('LOGOUT', imap.logout())),
  );
  return { mark, taken, answers, commands, readers, strays: told, open, amiss };
};

const lineOf = ({ what, count, p50, p95, most }: Wait): string =>
  `      ${what}: ${count}, ${p50.toFixed(3)} s, 95 of 100 within ${p95.toFixed(3)} s, all within ${most.toFixed(3)} s`;

/** For people. */
export const told = ({ taken, answers, commands, open, readers }: Load): string =>
  [
    `    ${taken.size} messages on ${Math.min(...open)} connections; ${readers.length} readers fetched ${readers.reduce((sum, { read }) => sum + read, 0)}; answers:`,
    ...[...answers.table(), ...commands.table()].map(lineOf),
  ].join('\n');

/** Accounts in which each message of that mark is, as often as it is there. */
export const whereabouts = async ({ server, people }: LoadPlace, mark: string): Promise<ReadonlyMap<string, readonly string[]>> => {
  const found = new Map<string, string[]>();
  for (const login of people)
    for (const [id, times] of await inMailbox(server, `<${mark}-`, login))
      found.set(id, [...(found.get(id) ?? []), ...Array.from({ length: times }, () => login.user)]);
  return found;
};
