/**
 * A change of many services, and the way back from it, that something comes between before one of its effects (inside/disturbed.ts), while numbered
 * mail flows. What must be so whatever it was: the old or the new configuration answers, the next command says what was interrupted and heals it.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { dated } from '../dated.ts';
import { emptied, inMailbox } from '../delivered.ts';
import { collect, type Machine, type Output, type Server, until } from '../index.ts';
import { announcedSize, answered, type Change, configure, type Failure, type Plan } from '../operator.ts';
import { COMPILED, NODE } from '../ready.ts';
import { LASTING, type Trouble } from '../troubles.ts';

const PROGRAM = [NODE, '/opt/hauspost/lab/inside/disturbed.ts'];
/** In memory: it outlives neither a power cut nor takes it room on a full disk. */
const EFFECTS = '/run/effects';
export const OLD = 'SIZE 52428800';
export const NEW = 'SIZE 20971520';
const SCRIPT = '/etc/hauspost/before.sieve';
const QUICK = '/usr/local/lib/systemd/system/rspamd.service.d';
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

const shell = async ({ machine }: Server, script: string): Promise<void> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script]);
  assert.equal(code, 0, `${script}: ${stdout}${stderr}`);
};

/** The operator asks for the change; nothing is done yet. */
export const ask = async (server: Server): Promise<void> => {
  await shell(server, `echo keep\\; >${SCRIPT}`);
  await configure(server, CHANGE);
};

const RIGHT = 'SELECT ON vmail.tls_policies_v1';
const TAKE = `mariadb -e 'GRANT ${RIGHT} TO postfix@localhost; REVOKE ${RIGHT} FROM postfix@localhost'`;
/** Somebody takes a right away, if it is there: without one that is missing nothing is said to the database. */
export const takeRight = (server: Server): Promise<void> => shell(server, TAKE);

/** On a full disk MariaDB's log has some room left; until a statement waits for more. */
export const usesUpRoom = (server: Server): Promise<void> =>
  shell(server, `n=0; while timeout 5 ${TAKE} && [ $n -lt 1000 ]; do n=$((n + 1)); done; ! timeout 5 ${TAKE}`);

/** Nothing is touched that anybody reads. */
const STAGING = /^\w+ \/var\/lib\/hauspost\/generations\/N\/tree\//;

/** There is something to do, for the database as well, unless it is not so far yet: `last` is an effect before the one that is looked at. */
export const asks = async (server: Server, way: Way, last = ''): Promise<void> => {
  await way.ask(server);
  if (!STAGING.test(last)) await takeRight(server);
};

/** A command that changes the machine. */
export interface Way {
  readonly name: string;
  readonly words: readonly string[];
  /** The generation in place before, and what Postfix announces then. */
  readonly from: number;
  readonly size: string;
  /** What heals where that is in place still. */
  readonly healing: readonly string[];
  /** Makes it so that there is something to do. */
  ask(server: Server): Promise<void>;
  /** The operator's file is again the one of what was in place before. */
  takeBack(server: Server): Promise<void>;
}

/** From generation 1 to CHANGE. */
export const FORTH: Way = {
  name: 'apply',
  words: ['apply'],
  from: 1,
  size: OLD,
  healing: ['apply'],
  ask,
  takeBack: (server) => configure(server, ''),
};

/** The same, and a package is to be installed, which no daemon needs. */
export const INSTALLING: Way = {
  ...FORTH,
  name: 'apply with a package',
  healing: ['rollback', '1'],
  ask: async (server) => {
    await ask(server);
    await shell(server, 'dpkg --remove bind9-dnsutils');
  },
};

/** From CHANGE, which is that generation. */
export const backFrom = (from: number): Way => ({
  name: 'rollback',
  words: ['rollback', '1'],
  from,
  size: NEW,
  healing: ['apply'],
  ask: () => Promise.resolve(),
  takeBack: () => Promise.resolve(),
});

const argv = (words: readonly string[], trouble: Trouble | undefined): readonly string[] => [
  ...['env', `NODE_COMPILE_CACHE=${COMPILED}`, `HAUSPOST_EFFECTS=${EFFECTS}`],
  ...(trouble === undefined ? [] : [`HAUSPOST_TROUBLE=${JSON.stringify(trouble)}`]),
  ...[...PROGRAM, ...words, '--yes'],
];

/** None begins before the one before it has ended: what is so before the next is so after the last. */
const effectsSoFar = async ({ machine }: Server): Promise<readonly string[]> => {
  const effects = (await machine.run(['cat', EFFECTS])).stdout.trim().split('\n');
  assert.deepEqual(
    effects.filter((effect) => effect.includes(' (beside ')),
    [],
  );
  return effects.map((effect) => effect.replace(/^\d+ /, '').trimEnd());
};

export interface Disturbed extends Output {
  /** In order; the last one is the one before which a process was killed, or the end. */
  readonly effects: readonly string[];
}

/** Where a command is at work that something comes between. */
const atWork = new WeakSet<Machine>();

const whileAtWork = async <T>(machine: Machine, command: () => Promise<T>): Promise<T> => {
  atWork.add(machine);
  try {
    return await command();
  } finally {
    atWork.delete(machine);
  }
};

/** Runs a command to its end, whatever it comes to. */
export const disturbed = async (server: Server, words: readonly string[], trouble?: Trouble): Promise<Disturbed> => {
  const { machine } = server;
  await machine.run(['rm', '-f', EFFECTS]);
  const output = await whileAtWork(machine, () => machine.run(argv(words, trouble), { ms: 300_000 }));
  return { ...output, effects: await effectsSoFar(server) };
};

/** Makes it so, for as long as `work` takes. */
export const during = async (server: Server, trouble: keyof typeof LASTING, work: () => Promise<void>): Promise<void> => {
  await server.machine.run(['sh', '-c', LASTING[trouble].begin]);
  try {
    await work();
  } finally {
    await over(server, trouble);
  }
};

/** Who just reads a file of /etc by way of the mount has it open; the moment passes. */
export const over = async ({ machine }: Server, trouble: keyof typeof LASTING): Promise<void> => {
  let last: Output | undefined;
  await until(
    () => `${trouble} ends; it says ${last?.stderr}`,
    async () => {
      last = await machine.run(['sh', '-c', LASTING[trouble].end]);
      return last.code === 0 || undefined;
    },
    30_000,
    200,
  );
};

/** Runs a command until it has come to that effect, or to its end, and pulls the plug; the machine is off then. Answers with its effects so far. */
const powerCut = async (server: Server, words: readonly string[], where: Omit<Trouble, 'by'>): Promise<readonly string[]> => {
  const { machine } = server;
  await machine.run(['rm', '-f', EFFECTS]);
  const child = machine.spawn(argv(words, { ...where, by: 'stopped' }));
  const stderr = collect(child.stderr);
  return whileAtWork(machine, async () => {
    await until(
      () => `it comes to ${where.before}; it says ${stderr.text()}`,
      () => stderr.text().includes('stopped\n') || child.exitCode !== null || undefined,
      120_000,
      5,
    );
    const effects = await effectsSoFar(server);
    await machine.kill();
    return effects;
  });
};

/** A message costs the machine more than a look at it: many come while something comes between, and some before and after. */
const OFTEN_MS = 300;
const ELSE_MS = 5 * OFTEN_MS;

/** Strangers' mail without end, one after the other; answers with the ids that were accepted, by a machine that had power, once `stop` is called. */
export const flow = (server: Server): { readonly stop: () => Promise<readonly string[]> } => {
  let going = true;
  const accepted: string[] = [];
  const one = async (number: number): Promise<void> => {
    const id = `<numbered-${number}@outside.test>`;
    const smtp = await server.stranger();
    try {
      for (const line of ['MAIL FROM:<friend@outside.test>', 'RCPT TO:<demo@hauspost.test>']) if ((await smtp.command(line)).code !== 250) return;
      const lines = ['From: <friend@outside.test>', 'To: <demo@hauspost.test>', `Message-ID: ${id}`, dated(), 'Subject: Number'];
      if ((await smtp.data([...lines, '', `Number ${number}.`, ''].join('\r\n'))).code === 250 && server.machine.isOn()) accepted.push(id);
    } finally {
      smtp.close();
    }
  };
  const wait = async (): Promise<void> => {
    for (let waited = 0; going && waited < (atWork.has(server.machine) ? OFTEN_MS : ELSE_MS); waited += OFTEN_MS) await pause(OFTEN_MS);
  };
  const all = (async () => {
    for (let number = 1; going; number += 1) {
      await one(number).catch(() => undefined); // the port is closed while Postfix starts anew: not accepted, so not to be found
      await wait();
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

/** For whom a message is missing: what waits, where the message lies all the same, when the machine was started, and what was said of the message. */
const TRACE = `
postqueue -p
grep -rlF "$1" /var/vmail /var/spool/postfix
journalctl --no-pager --list-boots | tail -n 400
journalctl --no-pager --output=short-iso-precise >/run/said
for each in $(sed -nE 's/.*cleanup\\[[0-9]+\\]: ([0-9A-Za-z]+): message-id='"$1"'$/\\1/p' /run/said | sort -u); do
  grep -F " $each: " /run/said
done
grep -F "$1" /run/said
`;

/** All of them are in the mailbox: what could not be delivered at once waits in the queue, and goes now. */
export const arrived = async (server: Server, ids: readonly string[]): Promise<void> => {
  await emptied(server);
  const found = await inMailbox(server, '<numbered-');
  const missing = ids.filter((id) => !found.has(id));
  for (const id of missing) console.log((await server.machine.run(['sh', '-c', TRACE, 'trace', id])).stdout);
  assert.deepEqual(missing, []);
};

/** Rspamd 3.12 takes 16 s to stop (docs/rspamd.md); whoever restarts it hundreds of times does not wait for that. Where only the machine's root puts units. */
export const stopRspamdAtOnce = (server: Server): Promise<void> =>
  shell(
    server,
    `mkdir -p ${QUICK} && printf '[Service]\\nKillSignal=SIGKILL\\nSuccessExitStatus=SIGKILL\\n' >${QUICK}/quick.conf && systemctl daemon-reload`,
  );

/** All that was accepted during the work is there afterwards. */
export const whileMailFlows = async (server: Server, what: string, work: () => Promise<void>): Promise<void> => {
  const mail = flow(server);
  try {
    await work();
  } finally {
    await mail.stop();
  }
  const accepted = await mail.stop();
  console.log(`    ${what}: ${accepted.length} messages were accepted meanwhile`);
  assert.ok(accepted.length > 50, String(accepted.length));
  await arrived(server, accepted);
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

const withoutRights = ({ changes }: Plan): readonly Change[] => changes.filter(({ kind }) => kind !== 'grant');

/** What is to be done once more where all went back: rights are given again with that. */
export const plannedBy = async (server: Server, way: Way): Promise<readonly Change[]> => {
  await way.ask(server);
  return withoutRights((await answered<Plan>(server, 'plan')).document);
};

/** The next command says what was interrupted, and ends with what was in place before; then nothing is left to do. */
export const heals = async (server: Server, what: string, { from, size, healing, takeBack }: Way): Promise<void> => {
  const { committed, entering } = await stateOf(server);
  assert.equal((await answered<Plan>(server, 'plan')).document.interrupted, entering ?? undefined, what);
  await takeBack(server);
  const healed = await server.hauspost([...(committed === from ? healing : ['rollback', String(from)]), '--yes']);
  assert.equal(healed.code, 0, `${what}: ${healed.stderr}`);
  assert.equal(/was interrupted; it is undone first/.test(healed.stderr), entering !== null, `${what}: ${healed.stderr}`);
  assert.equal(await announcedSize(server), size, what);
  const { code, document } = await answered<Plan>(server, 'plan');
  assert.deepEqual([code, document.interrupted, document.generation, document.changes], [0, undefined, from, []], what);
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
  { words, from }: Way,
  planned: readonly Change[],
): Promise<void> => {
  await answersOldOrNew(server, what);
  const { committed, entering } = await stateOf(server);
  console.log(`    ${what}: exit ${code}, ${code === 0 ? 'done' : entering === null ? 'gone back' : 'not back yet'}`);
  if (code === 0) {
    assert.notEqual(committed, from, what);
    return;
  }
  assert.equal(code, 4, `${what}: ${stderr}`);
  assert.match(stderr, SAYS[by], what);
  const { document } = await answered<Plan>(server, 'plan');
  assert.equal(document.interrupted, entering ?? undefined, what);
  if (entering === null) assert.deepEqual(withoutRights(document), planned, what);
  const again = await answered<Failure>(server, ...words, '--yes');
  assert.deepEqual([again.code, again.document.error.code], [4, `disk.${by}`], `${what}: ${JSON.stringify(again.document)}`);
};

export interface Run {
  readonly code: number;
  /** In order, those of going back among them. */
  readonly effects: readonly string[];
}

/**
 * In the middle of a command that was asked for the machine gives way: exit 4, unless nothing more was to be written. It is left alone, or gone back, or the next command goes back as
 * soon as it can; `planned` is to be done again then.
 */
export const givesWay = async (
  server: Server,
  where: Omit<Trouble, 'by'>,
  by: 'full' | 'read-only',
  way: Way,
  planned: readonly Change[],
): Promise<Run> => {
  const what = `${way.name}: ${by} before ${where.before}`;
  let run: Disturbed;
  try {
    run = await disturbed(server, way.words, { ...where, by });
    await gaveWay(server, what, run, by, way, planned);
  } finally {
    await over(server, by);
  }
  await heals(server, what, way);
  return run;
};

/** The power goes in the middle of a command that was asked for; once the machine is on again the old or the new configuration answers, and the next command heals it. */
export const losesPower = async (server: Server, where: Omit<Trouble, 'by'>, way: Way): Promise<readonly string[]> => {
  const what = `${way.name}: power cut before ${where.before}`;
  const effects = await powerCut(server, way.words, where);
  await server.machine.start();
  await answersOldOrNew(server, what);
  await heals(server, what, way);
  return effects;
};
