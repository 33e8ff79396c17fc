/**
 * The file system of the hosts that are not ours: Debian 12 with the programs that they run, and the keys of all zones, which stay the same
 * from run to run, so that a machine can be made that trusts the root before there is one.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { base } from '../images.ts';
import { needLab } from '../host.ts';
import { type Argv, succeeded } from '../process.ts';
import type { Room } from '../room.ts';
import { type Layer, layerInRoom } from '../store.ts';
import { ZONES } from './topology.ts';

const PACKAGES = [
  'knot',
  'knot-dnsutils',
  'knot-dnssecutils',
  'unbound',
  'exim4-daemon-heavy',
  'openssl',
  'tshark',
  'libmail-dkim-perl',
  'python3-dkim',
  'python3-dnspython',
  'pebble',
  'certbot',
];

/** Where the keys of zones lie, by Knot's way of keeping them (keymgr(8)). */
export const KEYS = '/srv/keys';
const FACTS = '/srv/facts.json';
/** The certificate authority of this internet. */
export const AUTHORITY = { key: '/srv/authority/key.pem', certificate: '/srv/authority/certificate.pem' } as const;

export interface Facts {
  /** By zone: the data of its DS record, as in a zone file. */
  readonly ds: Readonly<Record<string, string>>;
  /** The root's key, as in a zone file: what a resolver has to trust. */
  readonly anchor: string;
  /** PEM. */
  readonly authority: string;
}

export interface Foreign {
  readonly layer: Layer;
  readonly facts: Facts;
}

const must = async (room: Room, argv: Argv, ms = 120_000): Promise<string> =>
  succeeded(argv, await room.run(argv, { ms, env: { DEBIAN_FRONTEND: 'noninteractive' } })).stdout;

const signed = ZONES.filter(({ chain }) => chain !== 'insecure');

/** `NAME. DS TAG ALGORITHM TYPE DIGEST`; SHA-256 (RFC 4509) is type 2. */
const dsOf = (answer: string): string => {
  const data = /DS\s+(\d+ \d+ 2 [0-9a-f]+)/i.exec(answer)?.[1];
  if (data === undefined) throw new Error(`no DS in ${answer}`);
  return data;
};

/** In use from before it signed what has expired since (dns.ts). */
const LONG_AGO = ['created', 'publish', 'ready', 'active'].map((state) => `${state}=-60d`);

const makeKeys = async (room: Room): Promise<Pick<Facts, 'ds' | 'anchor'>> => {
  const keymgr = (...words: readonly string[]): Promise<string> => must(room, ['keymgr', '-D', KEYS, ...words]);
  await must(room, ['mkdir', '-p', KEYS]);
  const ds: [string, string][] = [];
  for (const { name, chain } of signed) {
    await keymgr(name, 'generate', 'algorithm=ECDSAP256SHA256', 'ksk=yes', 'zsk=yes', ...(chain === 'expired' ? LONG_AGO : []));
    ds.push([name, dsOf(await keymgr(name, 'ds'))]);
  }
  const anchor = (await keymgr('.', 'dnskey')).trim().replace(/^\. DNSKEY/, '. IN DNSKEY');
  return { ds: Object.fromEntries(ds), anchor };
};

const makeAuthority = async (room: Room): Promise<string> => {
  await must(room, ['mkdir', '-p', '/srv/authority']);
  await must(room, [
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'],
    ...['-keyout', AUTHORITY.key, '-out', AUTHORITY.certificate, '-subj', '/CN=Authority of the private internet'],
  ]);
  return must(room, ['cat', AUTHORITY.certificate]);
};

const build = async (room: Room): Promise<void> => {
  await room.put({ '/usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n' });
  await must(room, ['chmod', '755', '/usr/sbin/policy-rc.d']);
  await must(room, ['apt-get', '-q', 'update'], 600_000);
  await must(room, ['apt-get', '-y', '-q', '-o', 'Dpkg::Options::=--force-unsafe-io', 'install', '--no-install-recommends', ...PACKAGES], 900_000);
  await must(room, ['apt-get', 'clean']);
  const facts: Facts = { ...(await makeKeys(room)), authority: await makeAuthority(room) };
  await room.put({ [FACTS]: JSON.stringify(facts) });
};

export const foreign = async (): Promise<Foreign> => {
  await needLab();
  const parent = await base({ release: 'bookworm', init: 'none' });
  const recipe = JSON.stringify(['internet 1', PACKAGES, signed]);
  const layer = await layerInRoom({ parent, name: 'internet', recipe }, 'host', build);
  const facts = JSON.parse(await readFile(join(layer.lower[0] ?? '', FACTS), 'utf8')) as Facts;
  return { layer, facts };
};
