/** MariaDB: domains, accounts, aliases, on a Unix socket alone (mariadbd(8)). The kernel vouches for who connects. */
import { path, redacted, within } from '#base';
import { type Block, compareMariadb, renderMariadb } from '#formats';
import type { Finding, Place, Probe, ReadText, RenderInput, Service } from '#model';
import { at, lineThat, ofRendering, readIn } from '../places.ts';

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
      {
        set: 'transaction-isolation',
        to: 'READ-COMMITTED',
        why: 'Logins at once are taken down; otherwise the gaps that their deletions lock make them deadlocks.',
      },
      { set: 'key-buffer-size', to: '1M', why: 'MyISAM is not used.' },
      { set: 'aria-pagecache-buffer-size', to: '8M' },
      { set: 'max-connections', to: sizes(facts.memoryMb).connections },
      { set: 'max-allowed-packet', to: '16M' },
    ],
  },
];

const finding = (code: string, message: string, place: Place | undefined): Finding => ({
  level: 'error',
  code,
  message,
  ...at(place),
  remedy: 'This is a defect of Hauspost; please report it with this output.',
});

/** An option has one name with dashes and with underscores; a line begins with it. */
const placeOf = (text: string, option: string): Place | undefined => {
  const canonical = (name: string): string => name.replaceAll('_', '-');
  return lineThat(FILE, text, (line) => canonical(line.split(/[\s=]/)[0] ?? '') === canonical(option));
};

/** It names no line, but the option: `unknown variable 'x=1'`, `Unknown suffix 'q' used for variable 'x'`, `option 'x': value 1 adjusted to 2`. */
const COMPLAINT = /(?:unknown variable|unknown option|used for variable|option|setting value '[^']*' to) '(?:--)?([\w-]+)/;

const placeIn = async (words: string, read: ReadText): Promise<Place | undefined> => {
  const [, option] = COMPLAINT.exec(words) ?? [];
  return option === undefined ? undefined : placeOf(await read(FILE), option);
};

/** `mariadbd --verbose --help` ends with what it would run with. */
const understood: Service['check'] = async (room, input) => {
  const ran = await room.run(['mariadbd', `--defaults-file=${FILE}`, '--verbose', '--help']);
  if (ran.code !== 0) {
    const said = ran.stderr.trim().split('\n').slice(-3).join(' ');
    return [finding('mariadb.refused', `mariadbd ends with ${ran.code}: ${said}`, await placeIn(said, readIn(room)))];
  }
  const text = redacted(renderMariadb(config(input), input.facts.versions.mariadb));
  return compareMariadb(config(input), input.facts.versions.mariadb, ran.stdout).map(({ key, expected, actual }) =>
    ofRendering(finding('mariadb.misread', `${key}: written ${expected}, understood ${actual ?? 'nothing'}`, placeOf(text, key))),
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
  placeIn,
  probes: (input) => [greets(input)],
};
