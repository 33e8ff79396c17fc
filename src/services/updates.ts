/**
 * Debian's updates leave our files in place without a question (M30). A file that a package brought and we rewrote is one that "somebody changed" to
 * dpkg and to ucf, which ask what to do with it: at a terminal the operator, and unattended-upgrades holds such an update back for good. What
 * the package wanted instead lies beside ours then, NAME.dpkg-dist or NAME.ucf-dist, and `plan` tells of it.
 */
import { path } from '#base';
import type { Item } from '#model';

const FILE = { kind: 'file', owner: 'root:root', mode: 0o644, wakes: [] } as const;

/**
 * dpkg(1): with confdef a file that somebody changed stays, and one that nobody changed is replaced as ever. unattended-upgrades looks for the first
 * word only (its `conffile_prompt`), which would also freeze what nobody changed: on Debian 13 ucf follows dpkg's options.
 */
const APT = `// Written by Hauspost: an update keeps configuration files that were changed, and asks nothing.
// The first word is for unattended-upgrades, which would hold such updates back; the second takes it from dpkg again.
DPkg::Options { "--force-confold"; "--no-force-confold"; "--force-confdef"; };
`;

/** Dovecot's files are ucf's. It reads this with the shell, the file in question in `dest_file`; on Debian 13 dpkg's options would count more. */
const UCF = `# Written by Hauspost: an update keeps Dovecot's configuration, which is ours, and asks nothing; about other files it asks as ever.
case "$dest_file" in
  /etc/dovecot/dovecot.conf) conf_force_conffold=YES; DPKG_FORCE= ;;
esac
`;

export const updateItems: readonly Item[] = [
  { ...FILE, path: path('/etc/apt/apt.conf.d/90hauspost'), text: [APT] },
  { ...FILE, path: path('/etc/ucf.conf'), text: [UCF] },
];
