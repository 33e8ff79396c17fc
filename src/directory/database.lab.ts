/** No test of its own: a real MariaDB of a release in a room, for the tests beside it. It ends with the room. */
import { type Room, checker, type Release, until } from '#lab';
import { connect, type Directory } from './connect.ts';

export interface Database extends AsyncDisposable {
  readonly room: Room;
  /** Not migrated yet. */
  readonly directory: Directory;
  /** Another connection of root's. */
  another(): Promise<Directory>;
  /** What a client prints for the statements, as that OS user of the room; throws on any error. */
  sql(statements: string, user?: 'root' | 'postfix' | 'dovecot'): Promise<string>;
}

const SOCKET = '/run/mysqld/mysqld.sock';
const SERVER = ['mariadbd', '--no-defaults', '--user=mysql', '--skip-networking', `--socket=${SOCKET}`, '--innodb-buffer-pool-size=128M'];
const CLIENT = ['mariadb', '--no-defaults', `--socket=${SOCKET}`, '--batch', '--skip-column-names', '--default-character-set=utf8mb4'];

export const RELEASES = ['bookworm', 'trixie'] as const satisfies readonly Release[];

export const database = async (release: Release): Promise<Database> => {
  const room = await checker(release);
  await room.run(['install', '-d', '-o', 'mysql', '-g', 'mysql', '/run/mysqld']);
  const server = room.spawn(SERVER);
  server.stderr.resume();
  await until('MariaDB answers', async () => (await room.run([...CLIENT, '-e', 'SELECT 1'])).code === 0 || undefined, 60_000);
  const another = (): Promise<Directory> => connect({ socketPath: `${room.root}${SOCKET}` });
  const directory = await another();
  return {
    room,
    directory,
    another,
    sql: async (statements, user = 'root') => {
      const { code, stdout, stderr } = await room.run(CLIENT, { input: statements, user });
      if (code !== 0) throw new Error(stderr);
      return stdout;
    },
    [Symbol.asyncDispose]: async () => {
      await directory.close();
      await room.close();
    },
  };
};
