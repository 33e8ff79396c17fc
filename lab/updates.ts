/**
 * Newer packages, as Debian's security team would bring them: made on the machine under test from the very archives it was installed from, each with a
 * version above and something changed, and offered in a folder that apt takes for Debian's security suite.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import { succeeded } from './process.ts';

export interface Update {
  /** All of one source package that are installed: they depend on each other's very version. */
  readonly packages: readonly string[];
  /** Shell lines run in the unpacked package of that name, before it is packed again. */
  readonly edits: Readonly<Record<string, string>>;
}

const FOLDER = '/srv/updates';

/** DIRECTORY SUFFIX EDIT PACKAGE...: the packages' versions get the suffix, also where others of them ask for it. */
const REPACK = `set -e
suffix=$1; shift
mkdir -p ${FOLDER}
for package; do
  work=$(mktemp -d); cd "$work"
  archive=$(find ${FOLDER} /var/cache/apt/archives -name "\${package}_*.deb" | head -n 1)
  dpkg-deb -R "$archive" x
  version=$(sed -n 's/^Version: //p' x/DEBIAN/control)
  plain=$(printf %s "$version" | sed 's/+lab[0-9]*$//')
  sed -i "s/^Version: .*/Version: $plain$suffix/; s/(= $(printf %s "$version" | sed 's/[.*]/\\\\&/g'))/(= $plain$suffix)/g" x/DEBIAN/control
  if [ -f "/root/edit-$package" ]; then (cd x && sh -e "/root/edit-$package"); fi
  rm -f ${FOLDER}/"\${package}"_*.deb
  dpkg-deb -b -Znone --root-owner-group x "${FOLDER}/\${package}_$(date +%s).deb" >/dev/null
  cd /; rm -r "$work"
done
`;

const INDEX = `set -e
cd ${FOLDER}; : >Packages
for archive in *.deb; do
  dpkg-deb -f "$archive"
  echo "Filename: ./$archive"; echo "Size: $(stat -c %s "$archive")"; echo "SHA256: $(sha256sum "$archive" | cut -d ' ' -f 1)"; echo
done >Packages
code=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
printf 'Origin: Debian\\nLabel: Debian-Security\\nSuite: %s-security\\nCodename: %s-security\\nDate: %s\\nSHA256:\\n %s %s Packages\\n' \\
  "$code" "$code" "$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S UTC')" "$(sha256sum Packages | cut -d ' ' -f 1)" "$(stat -c %s Packages)" >Release
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:${FOLDER} ./' >/etc/apt/sources.list
apt-get -q update
`;

const sh = async (machine: Machine, script: string, args: readonly string[] = [], input = ''): Promise<string> => {
  const argv = ['sh', '-c', script, 'sh', ...args];
  return succeeded(argv, await machine.run(argv, { input, ms: 600_000 })).stdout;
};

/** Offers every package of `updates` with a version that ends in \`+labN\`. */
export const offer = async (machine: Machine, round: number, updates: readonly Update[]): Promise<void> => {
  for (const { packages, edits } of updates) {
    for (const [name, edit] of Object.entries(edits)) await sh(machine, `cat >/root/edit-${name}`, [], edit);
    await sh(machine, REPACK, [`+lab${round}`, ...packages]);
    for (const name of Object.keys(edits)) await sh(machine, `rm /root/edit-${name}`);
  }
  await sh(machine, INDEX);
};

/** Installs unattended-upgrades from the archives in `folder`, on the host; before anything is offered, since what it needs is in Debian's own lists. */
export const installUnattended = async (machine: Machine, folder: string): Promise<void> => {
  // Debian's own would bring updates in before their turn, and hold dpkg's lock meanwhile.
  await sh(machine, 'systemctl mask --now apt-daily.timer apt-daily-upgrade.timer');
  for (const name of (await readdir(folder)).filter((each) => each.endsWith('.deb'))) {
    const archive = await readFile(join(folder, name));
    const argv = ['sh', '-c', `cat >'/var/cache/apt/archives/${name}'`];
    succeeded(argv, await machine.run(argv, { input: archive }));
  }
  await sh(machine, 'DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends unattended-upgrades');
};

/** What each daemon's packages bring anew: a comment in the file that ours took the place of, or, where none is, another file. */
export const UPDATES: readonly Update[] = [
  { packages: ['unbound'], edits: { unbound: 'echo "# wanted by unbound" >>etc/unbound/unbound.conf' } },
  {
    packages: ['mariadb-common', 'mariadb-server', 'mariadb-server-core', 'mariadb-client', 'mariadb-client-core'],
    edits: { 'mariadb-common': 'echo "# wanted by mariadb" >>etc/mysql/mariadb.cnf' },
  },
  { packages: ['redis-server', 'redis-tools'], edits: { 'redis-server': 'echo "# wanted by redis" >>etc/redis/redis.conf' } },
  { packages: ['rspamd'], edits: { rspamd: 'echo "# wanted by rspamd" >>etc/rspamd/cgp.inc' } },
  {
    packages: ['core', 'imapd', 'lmtpd', 'managesieved', 'mysql', 'sieve'].map((name) => `dovecot-${name}`),
    edits: { 'dovecot-core': 'for file in dovecot.conf conf.d/10-mail.conf; do echo "# wanted by dovecot" >>usr/share/dovecot/$file; done' },
  },
  { packages: ['postfix', 'postfix-mysql', 'postfix-lmdb'], edits: { postfix: 'echo "# wanted by postfix" >>etc/network/if-up.d/postfix' } },
  { packages: ['nginx', 'nginx-common'], edits: { 'nginx-common': 'echo "# wanted by nginx" >>etc/nginx/nginx.conf' } },
];
