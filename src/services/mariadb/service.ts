/** MariaDB: domains, accounts, aliases, on a Unix socket alone (mariadbd(8)). The kernel vouches for who connects. */
import { path, within } from '#base';
import { type Block, compareMariadb, renderMariadb } from '#formats';
import type { Finding, Probe, RenderInput, Service } from '#model';

const FILE = path('/etc/mysql/mariadb.cnf');

/** A thirty-second of the machine in MB for pages, and connections: proxymap(8) has one for each of its dozen questions. */
const sizes = (memoryMb: number): { readonly poolMb: number; readonly connections: number } => ({
  poolMb: within(memoryMb / 32, 32, 1024),
  connections: within(memoryMb / 8, 100, 500),
});

const config = ({ wiring, facts }: RenderInput): readonly Block[] => [
  { block: 'client-server', rows: [{ set: 'socket', to: wiring.sockets.mariadb.path }] },
  {
    block: 'mariadbd',
    rows: [
      { set: 'user', to: 'mysql' },
      { set: 'pid-file', to: '/run/mysqld/mysqld.pid' },
      { set: 'basedir', to: '/usr' },
      { set: 'datadir', to: '/var/lib/mysql' },
      { set: 'skip-networking', to: true, why: 'Nobody but this machine asks; the socket tells who it is.' },
      { set: 'skip-name-resolve', to: true },
      { set: 'character-set-server', to: 'utf8mb4' },
      { set: 'collation-server', to: 'utf8mb4_general_ci', why: 'For what names none; our tables name theirs.' },
      { set: 'innodb-buffer-pool-size', to: `${sizes(facts.memoryMb).poolMb}M`, why: 'A hundred thousand accounts fit into the least of it.' },
      { set: 'innodb-stats-persistent', to: false, why: 'For seconds after an import those would be older than it, and lookups read whole tables.' },
      { set: 'key-buffer-size', to: '1M', why: 'MyISAM is not used.' },
      { set: 'aria-pagecache-buffer-size', to: '8M' },
      { set: 'max-connections', to: sizes(facts.memoryMb).connections },
      { set: 'max-allowed-packet', to: '16M' },
    ],
  },
];

const finding = (code: string, message: string): Finding => ({
  level: 'error',
  code,
  message,
  remedy: "See 'journalctl -u mariadb' or /var/log/hauspost/mariadb/current.",
});

const misread = (message: string): Finding => ({ ...finding('mariadb.misread', message), ofRendering: true });

/** `mariadbd --verbose --help` ends with what it would run with. */
const understood: Service['check'] = async (room, input) => {
  const ran = await room.run(['mariadbd', `--defaults-file=${FILE}`, '--verbose', '--help']);
  if (ran.code !== 0) return [finding('mariadb.refused', `mariadbd: ${ran.stderr.trim().split('\n').slice(-3).join(' ')}`)];
  return compareMariadb(config(input), input.facts.versions.mariadb, ran.stdout).map(({ key, expected, actual }) =>
    misread(`${key}: written ${expected}, understood ${actual ?? 'nothing'}`),
  );
};

/** The greeting of the protocol names the server's version. */
const greets = ({ wiring }: RenderInput): Probe => ({
  name: 'mariadb greets on its socket',
  within: 60_000,
  run: async (vantage) => {
    await vantage.talk({ socket: wiring.sockets.mariadb.path }, { until: (greeting) => greeting.length > 8, ms: 3_000 });
    return [];
  },
});

export const mariadb: Service = {
  name: 'mariadb',
  packages: () => ['mariadb-server', 'mariadb-client'],
  unit: () => ({
    systemd: 'mariadb.service',
    prepare: [['install', '-d', '-o', 'mysql', '-g', 'root', '-m', '0755', '/run/mysqld']],
    foreground: ['/usr/sbin/mariadbd'],
    reload: ['mariadb-admin', 'reload'],
  }),
  items: (input) => [
    {
      kind: 'file',
      path: FILE,
      text: renderMariadb(config(input), input.facts.versions.mariadb),
      owner: 'root:root',
      mode: 0o644,
      wakes: [{ service: 'mariadb', by: 'restart' }],
    },
  ],
  check: understood,
  probes: (input) => [greets(input)],
};
