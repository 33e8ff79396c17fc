/**
 * Who else keeps what the mail server logs: a syslog daemon has it from journald, writes it below /var/log, and forgets it by its own rules, whatever
 * `logs.retention` says. Without systemd our daemons write to nobody else.
 */
import { path } from '#base';
import type { Finding, RenderInput } from '#model';
import type { Context } from './operation.ts';

/** Where Debian's settings of both below write what comes from a mail server. */
const FILE = path('/var/log/mail.log');

const PACKAGES: Readonly<Record<string, string>> = { rsyslog: 'rsyslog', 'syslog-ng': 'syslog-ng-core' };

export const keptElsewhere = async ({ machine }: Pick<Context, 'machine'>, { facts, settings }: RenderInput): Promise<readonly Finding[]> => {
  if (facts.init !== 'systemd' || ((await machine.state(FILE))?.size ?? 0) === 0) return [];
  const units = Object.keys(PACKAGES);
  const states = (await machine.run(['systemctl', 'is-active', ...units])).stdout.split('\n');
  const unit = units.find((_, index) => states[index] === 'active');
  if (unit === undefined) return [];
  const days = settings.logs.retentionDays;
  const message = `${unit} writes what the mail server logs to ${FILE} as well, and forgets it by its own rules, not after the ${days} days of logs.retention`;
  const remedy = `Unless you need it 'apt-get purge ${PACKAGES[unit]}'; then remove what it has written (/var/log/mail.*, /var/log/syslog*), which nobody forgets any more.`;
  return [{ level: 'warning', code: 'logs.kept-elsewhere', message, remedy }];
};
