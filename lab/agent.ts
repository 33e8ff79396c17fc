/** The near side of inside/agent.pl: programs in the namespaces of a process, run by a small process there that is started when first needed and dies with us. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Argv, type Child, DIES_WITH_PARENT, doNotWaitFor, ended, notInTime, type Output, type RunOptions, start, waitFor } from './process.ts';

const PROGRAM = readFileSync(join(import.meta.dirname, 'inside/agent.pl'), 'utf8');
const [RUN, KILL, OUT, ERR] = [0, 1, 1, 2];
const HEADER = 12;
/** What a shell says of a program that SIGKILL ended: its machine is gone. */
const KILLED = 128 + 9;

export interface Errand {
  readonly argv: Argv;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Agent {
  run(errand: Errand, options: RunOptions): Promise<Output>;
  /** It ends, and with it what it has begun. */
  end(): Promise<void>;
}

interface Pending {
  readonly out: Buffer[];
  readonly err: Buffer[];
  readonly end: (code: number) => void;
}

const frame = (id: number, kind: number, content: Uint8Array = Buffer.alloc(0)): Buffer => {
  const header = Buffer.alloc(HEADER);
  for (const [index, number] of [id, kind, content.length].entries()) header.writeUInt32BE(number, 4 * index);
  return Buffer.concat([header, content]);
};

const withLength = (content: string | Uint8Array): Buffer => {
  const octets = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(octets.length);
  return Buffer.concat([length, octets]);
};

const requestOf = ({ argv, directory, environment }: Errand, input: string | Uint8Array = ''): Buffer => {
  const words = [...argv, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)];
  return Buffer.concat([directory, input, String(argv.length), ...words].map(withLength));
};

/** Takes the pieces of a stream and gives its frames on. */
const framesTo = (take: (id: number, kind: number, content: Buffer) => void): ((piece: Buffer) => void) => {
  let pieces: Buffer[] = [];
  let [have, need] = [0, HEADER];
  return (piece) => {
    pieces.push(piece);
    have += piece.length;
    if (have < need) return;
    let all = Buffer.concat(pieces);
    for (;;) {
      need = HEADER + (all.length < HEADER ? 0 : all.readUInt32BE(8));
      if (all.length < need || all.length < HEADER) break;
      take(all.readUInt32BE(0), all.readUInt32BE(4), all.subarray(HEADER, need));
      all = all.subarray(need);
    }
    [pieces, have] = [[all], all.length];
  };
};

const outputOf = ({ out, err }: Pending, code: number, encoding: BufferEncoding = 'utf8'): Output => ({
  code,
  stdout: Buffer.concat(out).toString(encoding),
  stderr: Buffer.concat(err).toString(encoding),
});

/** `into`: nsenter(1) and its options. */
export const startAgent = (into: Argv): Agent => {
  // nsenter forks to get into the pid namespace: its child needs the tie, too.
  const child: Child = start([...into, ...DIES_WITH_PARENT, 'perl', '-e', PROGRAM]);
  const pending = new Map<number, Pending>();
  let [next, complaints, isGone] = [0, '', false];
  doNotWaitFor(child);
  child.stdin.on('error', () => undefined); // EPIPE: it is gone, which `close` tells
  child.stderr.on('data', (said) => {
    complaints += String(said);
  });
  child.stdout.on(
    'data',
    framesTo((id, kind, content) => {
      const one = pending.get(id);
      if (kind === OUT) one?.out.push(content);
      else if (kind === ERR) one?.err.push(content);
      else one?.end(content.readUInt32BE(0));
    }),
  );
  child.on('close', () => {
    isGone = true;
    for (const one of pending.values()) {
      one.err.push(Buffer.from(complaints));
      one.end(KILLED);
    }
  });
  const settled = (id: number): void => {
    pending.delete(id);
    if (pending.size === 0) doNotWaitFor(child);
  };
  const run: Agent['run'] = (errand, { input, ms = 120_000, encoding }) =>
    new Promise((resolve, reject) => {
      const id = next++;
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.stdin.write(frame(id, KILL));
      }, ms);
      const one: Pending = {
        ...{ out: [], err: [] },
        end: (code) => {
          clearTimeout(timer);
          settled(id);
          const output = outputOf(one, code, encoding);
          if (late) reject(notInTime(errand.argv, ms, output));
          else resolve(output);
        },
      };
      pending.set(id, one);
      if (isGone) one.end(KILLED);
      else {
        waitFor(child);
        child.stdin.write(frame(id, RUN, requestOf(errand, input)));
      }
    });
  const end = async (): Promise<void> => {
    waitFor(child);
    child.stdin.end();
    await ended(child);
  };
  return { run, end };
};
