/**
 * The program as it is, with its hands counted: each effect on the machine has a number, and before the one in HAUSPOST_KILL the process ends as the kernel
 * ends it (SIGKILL). Effects are what changes the machine: files, packages, daemons, and what is said to the database. With HAUSPOST_EFFECTS, a
 * file, each is written down there.
 */
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { path } from '#base';
import { run } from '#cli';
import { type Machine, thisMachine } from '#machine';

const last = Number(process.env['HAUSPOST_KILL'] ?? 0);
const list = process.env['HAUSPOST_EFFECTS'];
let count = 0;

const effect = (what: string): void => {
  count += 1;
  if (list !== undefined) appendFileSync(list, `${count} ${what}\n`);
  if (count === last) process.kill(process.pid, 'SIGKILL');
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
