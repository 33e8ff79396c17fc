/**
 * The recipes of the test machines' file systems, freshly made from Debian's packages. `base` is a bare server: no Node, none of the
 * daemons. `archives` adds the package lists and archives of all that the program installs, so that apt works without a network.
 * `packages` adds what npm needs for the checkout's dependencies. `tools` has everything installed and never started, for asking the
 * daemons' own checkers.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { month } from './asked.ts';
import { needLab } from './host.ts';
import type { Init, Kind, Release } from './kinds.ts';
import type { Image } from './machine.ts';
import { fillNpmCache, npmManifests, npmSettings } from './npm.ts';
import { buildingDirectory } from './owner.ts';
import { must, succeeded } from './process.ts';
import { openRoom, type Room } from './room.ts';
import { aptOptions, aptSources, hostAuthorities } from './sources.ts';
import { type Layer, layerInRoom, layerOf } from './store.ts';

/** What a bare Debian server has beyond the required packages. */
const SERVER = [
  'systemd',
  'systemd-sysv',
  'libpam-systemd',
  'dbus',
  'iproute2',
  'iputils-ping',
  'netbase',
  'procps',
  'less',
  'nano',
  'cron',
  'logrotate',
];
const BASE: Readonly<Record<Init, readonly string[]>> = { systemd: [...SERVER, 'ca-certificates', 'tzdata'], none: [] };

const DAEMONS = [
  ...[
    'postfix',
    'postfix-mysql',
    'postfix-lmdb',
    'libsasl2-modules',
    'dovecot-core',
    'dovecot-imapd',
    'dovecot-lmtpd',
    'dovecot-mysql',
    'dovecot-sieve',
  ],
  ...['dovecot-managesieved', 'rspamd', 'redis-server', 'mariadb-server', 'unbound', 'dns-root-data', 'nginx', 'openssl', 'bind9-dnsutils'],
];
/** What the launcher installs. */
const LAUNCHER = ['nodejs', 'npm', 'ca-certificates'];
/** What an option of the configuration brings. */
const LATER = ['certbot'];
const SUPERVISOR: Readonly<Record<Init, readonly string[]>> = { systemd: [], none: ['runit'] };

/** All that `up` and the launcher may install on a machine of this kind. */
export const installable = ({ init }: Kind): readonly string[] => [...DAEMONS, ...LATER, ...SUPERVISOR[init], ...LAUNCHER];

const APT_ENV = { DEBIAN_FRONTEND: 'noninteractive' };
/** What a machine that has not been given a network yet would have. */
const RESOLV_CONF = 'nameserver 192.0.2.53\n';

const installAuthorities = async (root: string, authorities: ReadonlyMap<string, string>): Promise<void> => {
  const directory = join(root, 'usr/local/share/ca-certificates');
  await mkdir(directory, { recursive: true });
  for (const [name, content] of authorities) await writeFile(join(directory, name), content);
};

const bootstrap = async (root: string, { release, init }: Kind, sources: readonly string[], options: readonly string[]): Promise<void> => {
  const extra = [...(BASE[init].length === 0 ? [] : [`--include=${BASE[init].join(',')}`]), ...options.map((option) => `--aptopt=${option}`)];
  await must(
    [
      ...['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', 'mmdebstrap', '--mode=root', '--variant=minbase', '--quiet'],
      ...[...extra, '--dpkgopt=force-unsafe-io', release, root, ...sources],
    ],
    { ms: 600_000, env: { TMPDIR: buildingDirectory() } },
  );
  await rm(join(root, 'etc/dpkg/dpkg.cfg.d/99mmdebstrap'));
  await writeFile(join(root, 'etc/resolv.conf'), RESOLV_CONF);
  await writeFile(join(root, 'etc/hostname'), 'debian\n');
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 debian\n');
};

/** A bare Debian server (or container, for init `none`). */
export const base = async (kind: Kind): Promise<Layer> => {
  const [sources, options, authorities] = [await aptSources(kind.release), await aptOptions(), hostAuthorities()];
  const recipe = JSON.stringify(['base 1', kind, BASE[kind.init], sources, options, [...authorities], RESOLV_CONF, month()]);
  return layerOf({ name: `${kind.release}-${kind.init}-base`, recipe }, async ({ upper }) => {
    await bootstrap(upper, kind, sources, options);
    await installAuthorities(upper, authorities);
    if (BASE[kind.init].includes('ca-certificates')) await must(['chroot', upper, 'update-ca-certificates']);
  });
};

const apt = async (room: Room, ...args: readonly string[]): Promise<void> => {
  const argv = ['apt-get', '-y', '-q', '-o', 'Dpkg::Options::=--force-unsafe-io', ...args];
  const { code, stdout, stderr } = await room.run(argv, { env: APT_ENV, ms: 900_000 });
  if (code !== 0) throw new Error(`${argv.join(' ')}: status ${code}\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);
};

/** `base`, with package lists and the archives of everything `installable`. */
export const archives = async (kind: Kind): Promise<Layer> => {
  const parent = await base(kind);
  const packages = installable(kind);
  return layerInRoom(
    { parent, name: `${kind.release}-${kind.init}-archives`, recipe: JSON.stringify(['archives 1', packages]) },
    'host',
    async (room) => {
      await apt(room, 'update');
      await apt(room, 'install', '--download-only', '--no-install-recommends', ...packages);
    },
  );
};

/** `archives`, with those of unattended-upgrades; answers with the folder that holds them all. */
export const unattended = async (release: Release): Promise<string> => {
  const parent = await archives({ release, init: 'systemd' });
  const { lower } = await layerInRoom({ parent, name: `${release}-unattended`, recipe: 'unattended 1' }, 'host', (room) =>
    apt(room, 'install', '--download-only', '--no-install-recommends', 'unattended-upgrades'),
  );
  return join(lower[0] ?? '', 'var/cache/apt/archives');
};

/** A shared library made of one file of C, which both releases can load; answers with its octets. */
export const compiled = async (name: string, source: string): Promise<Buffer> => {
  const parent = await archives({ release: 'bookworm', init: 'systemd' });
  const { lower } = await layerOf({ name, recipe: `${parent.id} ${source}` }, async ({ upper }) => {
    await using room = await openRoom({ lower: parent.lower, network: 'host' });
    await room.put({ '/root/source.c': source });
    await apt(room, 'install', '--no-install-recommends', 'gcc', 'libc6-dev');
    const argv = ['gcc', '-O2', '-shared', '-fPIC', '-o', '/root/library.so', '/root/source.c'];
    succeeded(argv, await room.run(argv));
    const { stdout } = await room.run(['cat', '/root/library.so'], { encoding: 'latin1' });
    await writeFile(join(upper, 'library.so'), stdout, 'latin1');
  });
  return readFile(join(lower[0] ?? '', 'library.so'));
};

/** Everything installed, nothing ever started. */
export const tools = async (release: Release): Promise<Layer> => {
  const parent = await archives({ release, init: 'systemd' });
  const packages = [...DAEMONS, 'runit'];
  return layerInRoom({ parent, name: `${release}-tools`, recipe: JSON.stringify(['tools 1', packages]) }, 'host', async (room) => {
    await room.put({ '/usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n' });
    await room.run(['chmod', '755', '/usr/sbin/policy-rc.d']);
    await apt(room, 'install', '--no-install-recommends', ...packages);
    await room.run(['rm', '/usr/sbin/policy-rc.d']);
  });
};

/** Name servers, never started, and who asks them: BIND with its checker, Knot, PowerDNS, Unbound, dig; and what octoDNS reads its files with. */
export const zoneReaders = async (release: Release): Promise<Layer> => {
  const parent = await base({ release, init: 'systemd' });
  const servers = ['bind9', 'bind9-utils', 'bind9-dnsutils', 'knot', 'pdns-server', 'pdns-backend-sqlite3', 'sqlite3', 'unbound'];
  const packages = [...servers, 'python3-yaml', 'python3-natsort'];
  return layerInRoom({ parent, name: `${release}-zone-readers`, recipe: JSON.stringify(['zone readers 1', packages]) }, 'host', async (room) => {
    await room.put({ '/usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n' });
    await room.run(['chmod', '755', '/usr/sbin/policy-rc.d']);
    await apt(room, 'update');
    await apt(room, 'install', '--no-install-recommends', ...packages);
    await room.run(['rm', '/usr/sbin/policy-rc.d']);
  });
};

/** `archives`, with an npm cache from which `npm ci` of this checkout works without a network. */
const packages = async (kind: Kind): Promise<Layer> => {
  const parent = await archives(kind);
  const [manifests, settings] = [await npmManifests(), await npmSettings()];
  const recipe = JSON.stringify(['packages 1', manifests.get('package-lock.json'), settings]);
  return layerOf({ parent, name: `${kind.release}-${kind.init}-packages`, recipe }, async ({ upper }) => {
    const root = join(upper, 'root');
    await mkdir(root, { mode: 0o700 });
    await fillNpmCache(join(root, '.npm'), manifests);
    await writeFile(join(root, '.npmrc'), settings);
  });
};

/** `bare`: a server as its owner would hand it over. `packages`: the same, with all downloads of an installation in apt's and npm's caches. */
export type Stage = 'bare' | 'packages';

export const image = async (kind: Kind, stage: Stage): Promise<Image> => {
  await needLab();
  return { init: kind.init, layer: await (stage === 'bare' ? base(kind) : packages(kind)) };
};
