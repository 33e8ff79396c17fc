/**
 * A mail server that Hauspost did not make, and settings of somebody's that it would replace: before the first apply only. What a package
 * brings and nobody edited is none, and neither is what its installation wrote (Postfix' main.cf, exim4's answers).
 */
import { isIPv6 } from 'node:net';
import { environmentError, operatorError, path } from '#base';
import { shellLine } from '#formats';
import { editedConffiles, type Holder, holdersOf, type Machine } from '#machine';
import type { RenderInput } from '#model';
import { foreignData } from './foreign-data.ts';
import { editedPostfixFiles } from './foreign-postfix.ts';
import type { Context } from './operation.ts';

const text = async (machine: Machine, file: string): Promise<string | undefined> => (await machine.read(path(file)))?.toString();

/** exim4-config writes the answers of its installation; `local` is the default on Debian. */
const eximFiles = async (machine: Machine): Promise<readonly string[]> => {
  const file = '/etc/exim4/update-exim4.conf.conf';
  const kind = /^dc_eximconfig_configtype='([^']*)'/m.exec((await text(machine, file)) ?? '')?.[1];
  return kind === undefined || kind === 'local' || kind === 'none' ? [] : [file];
};

const MAIL_PACKAGES = [
  'dovecot-core',
  'dovecot-imapd',
  'dovecot-lmtpd',
  'dovecot-sieve',
  'dovecot-managesieved',
  'exim4-config',
  'exim4-base',
  'rspamd',
  'opensmtpd',
];

/** What Dovecot and Rspamd include by pattern (dovecot.conf, rspamd.conf as Debian ships them). */
const MAIL_FOLDERS = [
  [path('/etc/dovecot/conf.d'), '.conf'],
  [path('/etc/dovecot'), 'local.conf'],
  [path('/etc/rspamd/local.d'), '.conf'],
  [path('/etc/rspamd/local.d'), '.inc'],
  [path('/etc/rspamd/override.d'), '.conf'],
  [path('/etc/rspamd/override.d'), '.inc'],
] as const;

/** Their settings are replaced, too: one Nginx has the web ports, one MariaDB its socket. */
const OTHER_PACKAGES = ['nginx-common', 'unbound', 'mysql-common', 'mariadb-common', 'mariadb-client', 'mariadb-server', 'redis-server'];

/** What they include by pattern (nginx.conf, unbound.conf, mariadb.cnf as Debian ships them). */
const OTHER_FOLDERS = [
  [path('/etc/nginx/conf.d'), '.conf'],
  [path('/etc/unbound/unbound.conf.d'), '.conf'],
  [path('/etc/mysql/conf.d'), '.cnf'],
  [path('/etc/mysql/mariadb.conf.d'), '.cnf'],
] as const;

const SITES = path('/etc/nginx/sites-enabled');

/** Debian's nginx.conf includes whatever lies there; the package brings one link. */
const foreignSites = async (machine: Machine): Promise<readonly string[]> => {
  const foreign: string[] = [];
  for (const name of await machine.list(SITES)) {
    const site = path(`${SITES}/${name}`);
    const target = (await machine.state(site))?.kind === 'link' ? await machine.readLink(site) : undefined;
    if (name !== 'default' || target !== '/etc/nginx/sites-available/default') foreign.push(site);
  }
  return foreign;
};

const mailFiles = async (machine: Machine): Promise<readonly string[]> => [
  ...(await editedPostfixFiles(machine)),
  ...(await eximFiles(machine)),
  ...(await editedConffiles(machine, { packages: MAIL_PACKAGES, folders: MAIL_FOLDERS })),
];

/** Of such a package only what the daemon itself reads: a rotated log is nobody's setting. */
const otherFiles = async (machine: Machine): Promise<readonly string[]> => {
  const edited = await editedConffiles(machine, { packages: OTHER_PACKAGES, folders: OTHER_FOLDERS });
  return [...edited.filter((file) => /^\/etc\/(nginx|unbound|mysql|redis)\//.test(file)), ...(await foreignSites(machine))];
};

/** What was asked for on a machine that is not ours yet. */
export interface Asked {
  readonly replace: boolean;
  /** The other options, as they are typed. */
  readonly words: readonly string[];
  /** Neither an option nor a file says which server it is to be. */
  readonly unsaid: boolean;
}

/** As it would be typed here: before the first `up` nothing of ours is in the PATH. */
const replacing = ({ program }: Pick<Context, 'program'>, { words, unsaid }: Asked): string =>
  `'${shellLine([program, 'up', '--replace', ...words])}${unsaid ? ' --hostname ... --domain ...' : ''}'`;

/** One for trying, which this machine alone reaches, is not put in the place of a mail server unless somebody has said so. */
const refuseTrial = (context: Context, asked: Asked, files: readonly string[]): void => {
  if (files.length === 0 || !asked.unsaid) return;
  throw operatorError({
    code: 'up.replace-unsaid',
    message: `a mail server is configured here (${files.join(', ')}), and nothing says which one is to take its place: without options it would be one for trying, which nobody else reaches`,
    remedy: `${replacing(context, asked)} says it, or write ${context.configFile} first; profile = "local" there, if one for trying is meant.`,
    detail: { files },
  });
};

/** What taking over does to data. */
const LOST = ' But nothing reaches MariaDB and Redis by TCP then, and keys may be thrown away, which do not come back.';

export const refuseForeignServer = async (context: Context, asked: Asked): Promise<void> => {
  const { machine } = context;
  const mail = await mailFiles(machine);
  if (asked.replace) return refuseTrial(context, asked, mail);
  const data = await foreignData(machine);
  const other = [...(await otherFiles(machine)), ...data];
  const files = [...mail, ...other];
  const instead = (how: string): string =>
    `Use a fresh machine, remove those packages with their configuration (apt-get purge), or let ${how} keep it as generation 0.${data.length > 0 ? LOST : ''}`;
  if (mail.length > 0) {
    const message = `a mail server that Hauspost did not make is configured here: ${files.join(', ')}`;
    throw environmentError({ code: 'up.foreign-server', message, remedy: instead(replacing(context, asked)), detail: { files } });
  }
  if (other.length > 0) {
    const message = `somebody has set up what the mail server would take over: ${files.join(', ')}`;
    throw environmentError({
      code: 'up.foreign-settings',
      message,
      remedy: instead(replacing(context, { ...asked, unsaid: false })),
      detail: { files },
    });
  }
};

/** Programs that we configure, or that apt removes when Postfix comes: Debian's own, not another of that name. */
const OURS = new Map([
  ['master', '/usr/lib/postfix/sbin/master'],
  ['dovecot', '/usr/sbin/dovecot'],
  ['nginx', '/usr/sbin/nginx'],
  ['unbound', '/usr/sbin/unbound'],
  ['rspamd', '/usr/bin/rspamd'],
  ['exim4', '/usr/sbin/exim4'],
  ['mariadbd', '/usr/sbin/mariadbd'],
]);

/** After an update of its package the kernel says of a running program's file that it was deleted (proc(5)). */
const isOurs = ({ program, file }: Holder): boolean => file !== undefined && OURS.get(program) === file.replace(/ \(deleted\)$/, '');

/** Every port that we will bind must be free, or held by a package default that we take over. */
export const refuseTakenPorts = async (machine: Machine, { wiring }: RenderInput): Promise<void> => {
  const wanted = wiring.listeners.filter((listener) => listener.transport === 'tcp');
  const overlaps = (a: string, b: string): boolean => a === b || a === '0.0.0.0' || b === '0.0.0.0' || a === '::' || b === '::';
  const holders = await holdersOf(machine, new Set(wanted.map((listener) => listener.port)));
  const taken = holders.filter(
    (holder) => !isOurs(holder) && wanted.some((listener) => listener.port === holder.port && overlaps(listener.address, holder.address)),
  );
  if (taken.length === 0) return;
  const list = taken.map(
    (holder) => `${isIPv6(holder.address) ? `[${holder.address}]` : holder.address}:${holder.port} by ${holder.program} (process ${holder.pid})`,
  );
  throw environmentError({
    code: 'ports.taken',
    message: `ports that a mail server needs are taken: ${[...new Set(list)].join(', ')}`,
    remedy: 'Stop those programs, or let them use other ports.',
    detail: { taken: taken.map(({ address, port, program, pid }) => ({ address, port, program, pid })) },
  });
};
