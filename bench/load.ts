/**
 * `sh lab/node.sh bench/load.ts [bookworm|trixie]`: what 200 connections of ten senders and 20 mail programs wait for, and the memory that they take: at eight
 * messages a second for three minutes, then for one minute as fast as they are taken. Writes its section of docs/figures.md; exit status 1 if anybody was refused,
 * lost a connection, or waited for more than a minute. Some ten minutes a release.
 */
import {
  atRest,
  CONNECTIONS,
  emptied,
  internet,
  type Load,
  loadPlace,
  ownOfLasting,
  READERS,
  type Release,
  resident,
  type Resident,
  runLoad,
  shown,
  type Wait,
  watchResident,
} from '#lab';
import { record } from './record.ts';
import { versions } from './versions.ts';

const EVERY_MS = 25_000;

interface Figures {
  readonly load: Load;
  /** Until all was delivered. */
  readonly seconds: number;
  readonly most: Resident;
  readonly rest: Resident;
}

const release: Release = process.argv[2] === 'bookworm' ? 'bookworm' : 'trixie';
await using net = await internet();
const server = await net.ours(release);
const place = await loadPlace(net, server);
const idle = await resident(server.machine);

const measured = async (mark: string, seconds: number, everyMs: number): Promise<Figures> => {
  const most = watchResident(server.machine);
  const load = await runLoad(place, { mark, seconds, everyMs });
  const ended = performance.now();
  await emptied(server);
  const whole = seconds + (performance.now() - ended) / 1000;
  for (const words of load.amiss) process.stdout.write(`${mark}: ${words}\n`);
  return { load, seconds: whole, most: await most(), rest: await atRest(server.machine, idle) };
};

const calm = await measured('load-calm', 180, EVERY_MS);
const fast = await measured('load-fast', 60, 0);
const both = [calm, fast] as const;

const seconds = (value: number): string => (value < 0.1 ? `${(1000 * value).toFixed(1)} ms` : `${value.toFixed(2)} s`);
const waitOf = (table: readonly Wait[], wanted: string): string => {
  const wait = table.find(({ what }) => what === wanted);
  return wait === undefined ? 'none' : `${seconds(wait.p50)}, ${seconds(wait.p95)}, ${seconds(wait.most)} (${wait.count})`;
};
const rowsOf = (name: string, tableOf: (load: Load) => readonly Wait[]): readonly (readonly string[])[] =>
  tableOf(calm.load).map(({ what }) => [`${name} ${what}`, ...both.map(({ load }) => waitOf(tableOf(load), what))]);

const own = ownOfLasting(idle, calm.rest, fast.rest).map((mb) => `${mb.toFixed(0)} MB`);
record(
  `Load (${release})`,
  `\`bench/load.ts ${release}\`, with ${await versions(server.machine)}: ${CONNECTIONS} connections of ten senders, all open at the same time, half of them under TLS, and ${READERS} mail programs at ten mailboxes; the senders have the same two processors. Calm: each connection brings a message every ${EVERY_MS / 1000} s, for three minutes. Fast: one after the other, for one minute. Waits: half of all answers came within the first time, 95 of 100 within the second, all within the third. The first greeting of an address comes after postscreen's six seconds. Memory is PSS of all services of the machine; idle before it: ${shown(idle)}. Of their own (pages that no file backs) those processes that stayed from before to the end had ${own[0]} idle, ${own[1]} after the first and ${own[2]} after the second.`,
  [
    ['figure', 'calm', 'fast'],
    ['messages/s, until all are delivered', ...both.map(({ load, seconds: whole }) => (load.taken.size / whole).toFixed(1))],
    ['refusals, connections lost, commands failed', ...both.map(({ load }) => String(load.amiss.length))],
    ...rowsOf('SMTP', ({ answers }) => answers.table()),
    ...rowsOf('IMAP', ({ commands }) => commands.table()),
    ['memory, at most', ...both.map(({ most }) => shown(most))],
    ['memory, when processes had gone', ...both.map(({ rest }) => shown(rest))],
  ],
);
process.exitCode = both.some(({ load }) => load.amiss.length > 0) ? 1 : 0;
