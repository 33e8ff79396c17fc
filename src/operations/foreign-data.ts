/**
 * What other programs keep in the MariaDB and the Redis that become the mail server's alone: neither is reached by TCP then, and Redis throws away what
 * is used least. They need no file of somebody's for it: Debian's configuration will do.
 */
import { type AbsPath, path } from '#base';
import { installedVersions, type Machine } from '#machine';

const DATABASES = path('/var/lib/mysql');

/** The mail server's: of the how-to, brought back from a copy, or left by `rollback 0`. */
export const DATABASE_FILES = path(`${DATABASES}/vmail`);
/** MariaDB's own, and the one that it may bring for trying. */
const NOBODYS = ['mysql', 'performance_schema', 'sys', 'test'];

/** A folder each; MariaDB writes any other character of the name as `@` and what it stands for. */
const foreignDatabases = async (machine: Machine): Promise<readonly AbsPath[]> => {
  const names = (await machine.list(DATABASES)).filter((name) => /^[\w@]+$/.test(name) && !NOBODYS.includes(name));
  const folders = await Array.fromAsync(names, async (name) => {
    const folder = path(`${DATABASES}/${name}`);
    const kind = (await machine.state(folder))?.kind;
    return folder !== DATABASE_FILES && (kind === 'dir' || kind === 'link') ? [folder] : [];
  });
  return folders.flat();
};

const DUMP = path('/var/lib/redis/dump.rdb');
/** In octets: more than the fields about itself take. */
const HEAD = 1000;

/** Octets of a number behind the one that says so (Redis, src/rdb.h). */
const NUMBERS = new Map([
  [0xc0, 1],
  [0xc1, 2],
  [0xc2, 4],
]);

/** Where a text of less than 64 octets, or a number, ends. */
const end = (dump: Buffer, at: number): number => {
  const first = dump[at] ?? 0;
  return at + 1 + (first < 64 ? first : (NUMBERS.get(first) ?? dump.length));
};

/** `REDIS` and a version, fields about itself (0xFA, name, value), and the end (0xFF): what Redis writes when it is stopped without a key. */
const isEmpty = (dump: Buffer): boolean => {
  let at = 9;
  while (dump[at] === 0xfa) at = end(dump, end(dump, at + 1));
  return dump[at] === 0xff;
};

/** What runs says it: what it was given may not be in the file yet, and what was taken from it still be there. */
const holdsKeys = async (machine: Machine): Promise<boolean> => {
  if ((await installedVersions(machine, ['redis-server'])).size > 0) {
    const { stdout } = await machine.run(['redis-cli', 'info', 'keyspace']);
    if (stdout.startsWith('# Keyspace')) return /^db\d+:/m.test(stdout);
  }
  const size = (await machine.state(DUMP))?.size;
  if (size === undefined) return false;
  return size > HEAD || !isEmpty((await machine.read(DUMP)) ?? Buffer.alloc(0));
};

/** Where there is a mail server's database, the keys are its own. */
export const foreignData = async (machine: Machine): Promise<readonly AbsPath[]> => {
  const keys = (await machine.state(DATABASE_FILES)) === undefined && (await holdsKeys(machine));
  return [...(await foreignDatabases(machine)), ...(keys ? [DUMP] : [])];
};
