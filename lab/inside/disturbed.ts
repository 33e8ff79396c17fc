/**
 * The program as it is, with its hands counted: each effect on the machine has a number, and before the one that is named something happens. Effects are
 * what changes the machine: files, and the moment at which a whole one gets its name, packages, daemons, and what is said to the database; the last one is
 * the program's end. HAUSPOST_EFFECTS, a file: each is written down there, and with it which others were not at their end yet. HAUSPOST_TROUBLE, JSON: see
 * ../troubles.ts.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, promises, readFileSync, writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
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
const underWay = new Set<string>();

const happen = (by: Trouble['by']): void => {
  if (by === 'killed') process.kill(process.pid, 'SIGKILL');
  if (by === 'full' || by === 'read-only') execFileSync('sh', ['-c', LASTING[by].begin]);
  if (by !== 'stopped') return;
  writeSync(2, 'stopped\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // until it is killed. Not by SIGSTOP: nsenter(1) would stop with it, and not bury it
};

/** Numbers of generations, and names of files that are not whole yet, are others each time. */
const nameOf = (what: string): string => what.replace(/(\/generations\/)[1-9]\d*/, '$1N').replace(/\.[0-9a-f]{12}(?=\.hauspost-new)/, '.N');

/** `within`: what it is a part of. */
const effect = (said: string, within?: string): void => {
  const what = nameOf(said);
  count += 1;
  const beside = [...underWay].filter((other) => other !== within);
  if (list !== undefined) appendFileSync(list, `${count} ${what}${beside.length === 0 ? '' : ` (beside ${beside.join(', ')})`}\n`);
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

/** From its beginning to its end. */
const counting = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  effect(what);
  underWay.add(what);
  try {
    return await work();
  } finally {
    underWay.delete(what);
  }
};

const machine = thisMachine();
const counted: Machine = {
  ...machine,
  run: (argv, options) => {
    const run = (): ReturnType<Machine['run']> => machine.run(argv, options);
    return isLook(argv) ? run() : counting(argv.slice(0, 4).join(' '), run);
  },
  write: (target, content, placement) => counting(`write ${target}`, () => machine.write(target, content, placement)),
  makeDir: (target, placement) => counting(`directory ${target}`, () => machine.makeDir(target, placement)),
  place: (target, placement) => counting(`place ${target}`, () => machine.place(target, placement)),
  remove: (target) => counting(`remove ${target}`, () => machine.remove(target)),
};

/** Of a tree that is being staged nobody reads anything before all is there: its files count once. */
const STAGED = /^\/var\/lib\/hauspost\/generations\/\d+\/tree\//;
const { rename } = promises;
promises.rename = async (from, to) => {
  if (!STAGED.test(String(to))) effect(`rename to ${to}`, `write ${to}`);
  await rename(from, to);
};
syncBuiltinESMExports();

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

const { version } = JSON.parse(readFileSync('/opt/hauspost/package.json', 'utf8')) as { readonly version: string };
const self = { version, program: path('/opt/hauspost/hauspost'), signal: new AbortController().signal, machine: counted };
process.exitCode = await run(process.argv.slice(2), self);
effect('end');
