/** Machines with mail packages of Debian that nobody has configured yet, the launcher prepared. */
import { derive, type Image, launched, type Machine, type Release } from '../index.ts';

const INSTALLED = ['postfix', 'dovecot-imapd', 'dovecot-lmtpd', 'rspamd'];
const EXIM = ['exim4-daemon-light', 'dovecot-imapd', 'rsyslog'];

const install = async (machine: Machine, packages: readonly string[]): Promise<void> => {
  const argv = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-y', 'install', '--no-install-recommends', ...packages];
  const { code, stdout, stderr } = await machine.run(argv, { ms: 600_000 });
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`);
};

/** Mail packages as apt installs them, their daemons running, and the launcher prepared. */
export const withPackages = async (release: Release): Promise<Image> =>
  derive(await launched({ release, init: 'systemd' }), 'mail-packages', JSON.stringify(INSTALLED), (machine) => install(machine, INSTALLED));

/** What Debian's installer brought: until 10 a mail server, until 11 a syslog daemon. Neither is among the archives of the image. */
export const withExim = async (release: Release): Promise<Image> =>
  derive(await launched({ release, init: 'systemd' }), 'exim', JSON.stringify(EXIM), async (machine) => {
    await machine.online();
    await install(machine, EXIM);
    await machine.offline();
  });
