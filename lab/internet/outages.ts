/** What may befall name servers. Each lasts until it is disposed of; then they serve what they served before. */
import { DIRECTORY, type NameServer } from './dns.ts';

type Servers = readonly NameServer[];

/** Constant. In a room of its own there is no other knotd. It has stopped when all its threads have: one that waits for a processor answers what has come, once it gets it. */
const STOP = 'pid=$(pidof knotd); kill -s STOP $pid; while grep -q "^State:[[:space:]]*[^T[:space:]]" /proc/$pid/task/*/status; do sleep 0.01; done';
const GO_ON = 'kill -s CONT $(pidof knotd)';
/** Constant; the argument is how long, in seconds. It wakes for long enough to answer what has come meanwhile. */
const HESITATE = 'pid=$(pidof knotd); while kill -s STOP $pid && sleep "$1" && kill -s CONT $pid && sleep 0.05; do :; done';

const eachDoes = async (servers: Servers, script: string): Promise<void> => {
  for (const server of servers) await server.must(['sh', '-c', script]);
};

/** Gone: whoever asks is told by the host that nobody listens. */
export const gone = async (servers: Servers): Promise<AsyncDisposable> => {
  for (const server of servers) await server.end();
  return {
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) await server.begin();
    },
  };
};

/** Silent: whoever asks is told nothing. Questions that are still of interest are answered at the end. */
export const silent = async (servers: Servers): Promise<AsyncDisposable> => {
  await eachDoes(servers, STOP);
  return { [Symbol.asyncDispose]: () => eachDoes(servers, GO_ON) };
};

/** Slow: each question is answered, up to `ms` late. */
export const slow = (servers: Servers, ms: number): AsyncDisposable => {
  const loops = servers.map((server) => server.daemon(['sh', '-c', HESITATE, 'hesitate', String(ms / 1000)]));
  return {
    [Symbol.asyncDispose]: async () => {
      for (const loop of loops) await loop.stop();
      await eachDoes(servers, GO_ON);
    },
  };
};

/** Failing: it has no file for `zone` (with its dot), and says SERVFAIL to whoever asks for a name in it. */
export const unloaded = async (server: NameServer, zone: string): Promise<AsyncDisposable> => {
  const [file, away] = [`${DIRECTORY}/${zone}zone`, `${DIRECTORY}/away`];
  await server.must(['mv', file, away]);
  await server.end();
  await server.begin(zone);
  return {
    [Symbol.asyncDispose]: async () => {
      await server.must(['mv', away, file]);
      await server.end();
      await server.begin();
    },
  };
};
