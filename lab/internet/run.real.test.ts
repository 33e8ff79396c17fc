/** `npm run lab`, by a script and by somebody at a terminal; nothing of it is there when it has ended. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { labAvailable } from '../host.ts';
import { collect, ended, until } from '../process.ts';

const reason = await labAvailable();
const options = reason === undefined ? {} : { skip: reason };

const WORDS = ['sh', join(import.meta.dirname, '../node.sh'), join(import.meta.dirname, 'run.ts')] as const;
const BROUGHT_UP_MS = 600_000;

interface Begun {
  readonly child: ChildProcess;
  said(): string;
  complained(): string;
  write(text: string): void;
}

const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

const begin = ([program = '', ...rest]: readonly string[]): Begun => {
  const child = spawn(program, rest, { stdio: 'pipe', env: { ...process.env, TERM: 'xterm' } });
  children.push(child);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  return { child, said: () => stdout.text(), complained: () => stderr.text(), write: (text) => void child.stdin.write(text) };
};

const shows = ({ child, said, complained }: Begun, what: RegExp, ms = 60_000): Promise<true> =>
  until(
    () => `it shows ${what}; it shows ${said()}${complained()}`,
    () => {
      if (child.exitCode !== null && !what.test(said())) throw new Error(`it ended with ${child.exitCode}: ${said()}${complained()}`);
      return what.test(said()) || undefined;
    },
    ms,
    50,
  );

/** Of all hosts, from the table's commands for another terminal. */
const pidsIn = (text: string): readonly string[] => [...text.matchAll(/^nsenter --target (\d+) /gm)].map(([, pid = '']) => pid);

const networkOf = (pid: string): string => readlinkSync(`/proc/${pid}/ns/net`);

test('a script asks it line by line', options, async () => {
  const lab = begin([...WORDS, 'bookworm']);
  const talk = 'exec 3<>/dev/tcp/mail.right.example/25; head -n1 <&3; printf "QUIT\\r\\n" >&3; cat <&3';
  for (const line of ['run mail.right hostname', 'log mail.house.example', 'nonsense', 'run mail. true', 'shell ns1.example']) lab.write(`${line}\n`);
  lab.write(`run laptop bash -c '${talk}'\ndialogues\nlog mail.right\n`);
  await shows(lab, /exim \S+ daemon started/, BROUGHT_UP_MS);
  const text = lab.said();
  assert.match(text, /^mail\.house\.example +198\.18\.0\.11 +2001:2::11 .*Hauspost on bookworm/m);
  assert.match(text, /^mail\.wrong\.example +198\.18\.0\.\d+ +2001:2::\d+ +CA-signed, wrong TLSA +Exim/m);
  assert.match(text, /^acme\.example +198\.18\.0\.7 /m);
  assert.match(text, /^mail\.right\.example$/m);
  assert.match(text, /^(?:198\.18\.0\.9|2001:2::9) -> \S+ port 25 \(in clear\)\n {4}S: 220 mail\.right\.example [^\n]*\n {4}C: QUIT\n {4}S: 221 /m);
  assert.match(text, /postfix\/master\[\d+\]: daemon started/);
  const complaints = lab.complained();
  assert.match(complaints, /nonsense is none of: /);
  assert.match(complaints, /mail\. may be mail\.house\.example, mail\.right\.example/);
  assert.match(complaints, /a shell needs a terminal/);
  const pids = pidsIn(text);
  assert.ok(pids.length >= 12 && pids.every((pid) => existsSync(`/proc/${pid}`)));
  assert.equal(new Set(pids.map(networkOf)).size, pids.length, 'each has a network of its own');
  lab.write('quit\n');
  assert.equal(await ended(lab.child), 0);
  assert.deepEqual(
    pids.filter((pid) => existsSync(`/proc/${pid}`)),
    [],
  );
});

test('at a terminal a shell on a host comes and goes; Ctrl-C ends all of it', options, async () => {
  const quoted = [...WORDS, 'none'].map((word) => `'${word}'`).join(' ');
  const lab = begin(['script', '--quiet', '--return', '--command', quoted, '/dev/null']);
  await shows(lab, /lab> /, BROUGHT_UP_MS);
  lab.write('shell mail.right\r');
  await shows(lab, /root@mail:~# /);
  lab.write('echo on $(hostname) at $(tty)\r');
  await shows(lab, /on mail\.right\.example at \/dev\/pts\/\d/);
  // Ctrl-C there ends what runs there.
  lab.write('echo be""gun; sleep 1000\r');
  await shows(lab, /^begun/m);
  lab.write('\u0003');
  await shows(lab, /^begun[\s\S]*root@mail:~# /m);
  lab.write('echo st""ill here\r');
  await shows(lab, /^still here/m);
  lab.write('exit\r');
  await shows(lab, /Back from mail\.right\.example\.[\s\S]*lab> /);
  const pids = pidsIn(lab.said());
  assert.ok(pids.length > 8 && pids.every((pid) => existsSync(`/proc/${pid}`)));
  lab.write('\u0003');
  assert.equal(await ended(lab.child), 0);
  assert.deepEqual(
    pids.filter((pid) => existsSync(`/proc/${pid}`)),
    [],
  );
});

test('one command is carried out, and its status handed on', options, async () => {
  const lab = begin([...WORDS, 'none', '--run', 'mail.self.example', 'hostname; exit 7']);
  assert.equal(await ended(lab.child), 7, lab.complained());
  assert.equal(lab.said(), 'mail.self.example\n');
});

test('what it does not understand it refuses at once', options, async () => {
  const lab = begin([...WORDS, 'sid']);
  assert.equal(await ended(lab.child), 2);
  assert.match(lab.complained(), /^usage: npm run lab /m);
});
