/**
 * What the lab needs of the host: root, namespaces, and a few Debian packages, which it installs itself. `labAvailable` says what is in
 * the way; it refuses instead of letting every test fail with something obscure.
 */
import { readFileSync } from 'node:fs';
import { must, run } from './process.ts';
import { locked, prune } from './store.ts';

const PACKAGES = ['systemd-container', 'mmdebstrap', 'nftables', 'iproute2', 'debian-archive-keyring', 'util-linux', 'mount', 'e2fsprogs'];

const missingPackages = async (): Promise<readonly string[]> => {
  const { stdout } = await run(['dpkg-query', '--show', '--showformat', '${db:Status-Status} ${Package}\\n', ...PACKAGES]);
  const installed = new Set(stdout.split('\n').flatMap((line) => (line.startsWith('installed ') ? [line.slice(10)] : [])));
  return PACKAGES.filter((name) => !installed.has(name));
};

const installMissing = async (): Promise<void> => {
  const missing = await missingPackages();
  if (missing.length === 0) return;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await must(['apt-get', '-q', 'update'], { env, ms: 300_000 });
  await must(['apt-get', '-q', '-y', 'install', '--no-install-recommends', ...missing], { env, ms: 600_000 });
};

const obstacle = async (): Promise<string | undefined> => {
  if (process.getuid?.() !== 0) return 'the lab needs root (it mounts file systems and makes namespaces)';
  if (!/^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))) return 'the lab needs a Debian host (its apt sources serve the test machines)';
  const namespaces = await run(['unshare', '--mount', '--pid', '--net', '--ipc', '--uts', '--fork', 'mount', '-t', 'tmpfs', 'lab', '/mnt']);
  if (namespaces.code !== 0) return `the lab needs namespaces and mounts, which this host refuses: ${namespaces.stderr.trim()}`;
  return undefined;
};

let answer: Promise<string | undefined> | undefined;

/** Why the lab cannot work on this host, or undefined once it can: missing packages are installed on the way. */
export const labAvailable = (): Promise<string | undefined> => {
  answer ??= obstacle().then(async (reason) => {
    if (reason !== undefined) return reason;
    await locked('host-packages', installMissing);
    await prune();
    return undefined;
  });
  return answer;
};

/** For everything that cannot go on without. */
export const needLab = async (): Promise<void> => {
  const reason = await labAvailable();
  if (reason !== undefined) throw new Error(reason);
};
