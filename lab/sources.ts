/**
 * From where packages come: what the host's own apt is configured with, for any release. No mirror is named here.
 * The host's additional certificate authorities go along, for hosts behind a proxy that signs on its own.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asked } from './asked.ts';
import type { Release } from './kinds.ts';

const CA_DIRECTORY = '/usr/local/share/ca-certificates';

/** The host's Debian release by code name, from os-release(5). */
const hostRelease = (): string => /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';

/** Lines for sources.list(5): the main, updates and security suites of `release`, component main. */
export const aptSources = async (release: Release): Promise<readonly string[]> => {
  const stdout = await asked('HAUSPOST_LAB_APT_TARGETS');
  const host = hostRelease();
  const targets = new Set(stdout.split('\n').filter((line) => line.endsWith(' main')));
  const lines = [...targets].flatMap((line) => {
    const [uri = '', suite = ''] = line.split(' ');
    return [host, `${host}-updates`, `${host}-security`].includes(suite) ? [`deb ${uri} ${suite.replace(host, release)} main`] : [];
  });
  for (const needed of [` ${release} `, ` ${release}-security `]) {
    if (!lines.some((line) => line.includes(needed)))
      throw new Error(`this host's apt has no source from which to derive${needed}(apt-get indextargets)`);
  }
  return lines;
};

/** apt.conf(5) lines of the host that decide whether its sources can be reached and are believed: proxies and clock checks. */
export const aptOptions = async (): Promise<readonly string[]> => {
  const stdout = await asked('HAUSPOST_LAB_APT_CONFIG');
  return stdout.split('\n').filter((line) => /^Acquire::(?:https?::|Check-Valid-Until|Check-Date)/.test(line) && !line.endsWith(' "";'));
};

/** The host's own certificate authorities, by file name: those of its administrator and the ones Node is told of. */
export const hostAuthorities = (): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const name of existsSync(CA_DIRECTORY) ? readdirSync(CA_DIRECTORY) : []) {
    if (name.endsWith('.crt')) found.set(name, readFileSync(join(CA_DIRECTORY, name), 'utf8'));
  }
  const extra = process.env['NODE_EXTRA_CA_CERTS'];
  // The system's own bundle holds nothing that the images do not have, or get above.
  if (extra !== undefined && existsSync(extra) && !extra.startsWith('/etc/ssl/certs/')) found.set('node-extra.crt', readFileSync(extra, 'utf8'));
  return found;
};
