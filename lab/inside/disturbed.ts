/**
 * The program as it is, with its hands counted: each effect on the machine has a number, and before the one that is named something happens. Effects are
 * what changes the machine: files, packages, daemons, and what is said to the database. HAUSPOST_EFFECTS, a file: each is written down there.
 * HAUSPOST_TROUBLE, JSON: see ../troubles.ts.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { path } from '#base';
import { run } from '#cli';
import { type Machine, thisMachine } from '#machine';
import { LASTING, type Trouble } from '../troubles.ts';

const list = process.env['HAUSPOST_EFFECTS'];
const given = process.env['HAUSPOST_TROUBLE'];
const trouble = given === undefined ? undefined : (JSON.parse(given) as Trouble);
let count = 0;
let named = 0;

const happen = (by: Trouble['by']): void => {
  if (by === 'killed') process.kill(process.pid, 'SIGKILL');
  if (by === 'full' || by === 'read-only') execFileSync('sh', ['-c', LASTING[by].begin]);
  if (by !== 'stopped') return;
  writeSync(2, 'stopped\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // until it is killed. Not by SIGSTOP: nsenter(1) would stop with it, and not bury it
};

const effect = (what: string): void => {
  count += 1;
  if (list !== undefined) appendFileSync(list, `${count} ${what}\n`);
  if (trouble === undefined) return;
  if (typeof trouble.before === 'string' && what.startsWith(trouble.before)) named += 1;
  const now = typeof trouble.before === 'number' ? count === trouble.before : what.startsWith(trouble.before) && named === (trouble.nth ?? 1);
  if (now) happen(trouble.by);
};

/** They look, or work in the private view. */
const LOOKS: readonly RegExp[] = [
  /^(dpkg-query|apt-cache|nsenter|unshare|pgrep|journalctl|postqueue|sync|postconf|getent) ?/,
  /^systemctl (--no-ask-password )?(show|is-enabled|is-active)/,
  /^sv status/,
];
const isLook = (argv: readonly string[]): boolean => LOOKS.some((look) => look.test(argv.join(' ')));

const machine = thisMachine();
const counted: Machine = {
  ...machine,
  run: (argv, options) => {
    if (!isLook(argv)) effect(argv.slice(0, 4).join(' '));
    return machine.run(argv, options);
  },
  write: (target, content, placement) => {
    effect(`write ${target}`);
    return machine.write(target, content, placement);
  },
  makeDir: (target, placement) => {
    effect(`directory ${target}`);
    return machine.makeDir(target, placement);
  },
  place: (target, placement) => {
    effect(`place ${target}`);
    return machine.place(target, placement);
  },
  remove: (target) => {
    effect(`remove ${target}`);
    return machine.remove(target);
  },
  rename: (from, to) => {
    effect(`rename ${from}`);
    return machine.rename(from, to);
  },
};

/** In the text of a statement as it goes over the socket; most of them only ask. */
const CHANGES = /\b(?:CREATE|ALTER|DROP|GRANT|REVOKE|INSERT|UPDATE|DELETE)\b[^\0]{0,60}/;
const DATABASE = '/run/mysqld/mysqld.sock';
const { connect, write } = Socket.prototype;
const ofDatabase = new WeakSet<Socket>();
Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  if (JSON.stringify(args).includes(DATABASE)) ofDatabase.add(this);
  return Reflect.apply(connect, this, args);
} as typeof connect;
Socket.prototype.write = function (this: Socket, ...args: unknown[]) {
  const [changing] = CHANGES.exec(String(args[0])) ?? [];
  if (ofDatabase.has(this) && changing !== undefined) effect(`statement ${changing.replaceAll(/\s+/g, ' ')}`);
  return Reflect.apply(write, this, args);
} as typeof write;

const self = { version: '0', program: path('/opt/hauspost/hauspost'), signal: new AbortController().signal, machine: counted };
process.exitCode = await run(process.argv.slice(2), self);
