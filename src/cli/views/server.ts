/** `up`, `down`, `status`, `selftest`, `spam learn`, `upkeep` for a person. */
import { hanging, readable } from '#base';
import type { OutputOf } from '#operations';
import { attention, columns, interruptedText, underWayText } from './table.ts';

type Steps = OutputOf<'selftest'>['steps'];

const steps = (list: Steps): string =>
  columns(list.map(({ name, ok, ms, detail }) => [ok ? 'ok  ' : 'FAIL', name, `${(ms / 1000).toFixed(1)} s`, readable(detail)]));

export const selftest = ({ ok, steps: list }: OutputOf<'selftest'>): string =>
  `${steps(list)}\n${ok ? 'All is well.' : "Not all is well: see 'hauspost status', 'hauspost doctor' and the daemons' logs."}\n`;

/** What a mail program asks for, as it must be typed there: not every one knows U-labels, and logins are compared with what is stored. */
const settings = ({ hostname, profile, account }: OutputOf<'up'>): string => {
  const host = profile === 'local' ? 'localhost' : hostname; // the name of a local server is known to its own resolver only
  return columns([
    ['Incoming', `IMAP ${host}`, 'port 993 TLS, or 143 STARTTLS'],
    ['Outgoing', `SMTP ${host}`, 'port 465 TLS, or 587 STARTTLS'],
    ['Filters', `ManageSieve ${host}`, 'port 4190 STARTTLS'],
    ['User name', account ?? 'the whole address', 'with the password that was shown for it'],
  ]);
};

export const up = (output: OutputOf<'up'>): string => {
  const more = [
    `'hauspost account passwd ${output.account ?? 'ADDRESS'}' makes another password.`,
    ...(output.profile === 'local' ? ['Only this machine reaches it.'] : []),
    ...(output.ca === null ? [] : [`Its certificate is signed by its own authority: let clients trust ${output.ca}`]),
    ...(output.web_ui === null ? [] : [`What the spam filter does: ${output.web_ui}`]),
  ];
  return `${steps(output.selftest.steps)}\n\nThe mail server ${readable(output.hostname)} runs (generation ${output.generation}).\n\n${settings(output)}\n${more.map((line) => `${hanging(line, '  ')}\n`).join('')}`;
};

export const down = ({ stopped, generation, findings }: OutputOf<'down'>): string => {
  if (stopped.length === 0 && generation === null) return 'Nothing to stop: no mail server of Hauspost is in place on this machine.\n';
  const done = stopped.length === 0 ? 'Nothing was running.' : `Stopped: ${stopped.join(', ')}.`;
  return [`${done} 'hauspost up' starts the daemons${stopped.length === 0 ? '' : ' again'}.`, ...attention(findings), ''].join('\n');
};

/** For a log as well, which says nothing while nothing happens. */
export const upkeep = ({ done, findings }: OutputOf<'upkeep'>): string =>
  [...done, ...findings.map(({ message, remedy }) => `${message}\n  ${remedy}`)].map((line) => readable(`${line}\n`)).join('');

const SHOWN = 20;

export const spamLearn = ({ class: as, new: learned, known, skipped }: OutputOf<'spam learn'>): string => {
  const shown = skipped.slice(0, SHOWN).map(({ file, reason }) => `Skipped: ${file}: ${reason}\n`);
  const rest = skipped.length > SHOWN ? [`... and ${skipped.length - SHOWN} more, see --json.\n`] : [];
  return `${[...shown, ...rest].join('')}Learned as ${as}: ${learned} new, ${known} known, ${skipped.length} skipped.\n`;
};

/** All of them; that some are is told below the table. */
const isStopped = (services: OutputOf<'status'>['services']): boolean => services.every(({ state }) => state === 'stopped');

const stoppedText = (services: OutputOf<'status'>['services']): readonly string[] => {
  const names = services.filter(({ state }) => state === 'stopped' || state === 'failed').map(({ name }) => name);
  return names.length === 0 || isStopped(services) ? [] : [`Not running: ${names.join(', ')}; 'hauspost up' starts what is stopped.`];
};

const numberOf = (count: number, what: string): readonly string[] => (count === 0 ? [] : [`${count} ${what}${count === 1 ? '' : 's'}`]);

const sumOf = (findings: OutputOf<'doctor'>['findings']): string => {
  const errors = findings.filter(({ level }) => level === 'error').length;
  const said = [...numberOf(errors, 'error'), ...numberOf(findings.length - errors, 'warning')].join(', ');
  return findings.length === 0 ? 'All is well.' : errors === 0 ? `Nothing is broken; ${said}.` : `Not all is well: ${said}.`;
};

export const doctor = ({ findings }: OutputOf<'doctor'>): string => [...attention(findings), sumOf(findings), ''].join('\n');

export const status = ({
  services,
  queue,
  certificates,
  generation,
  drift,
  findings,
  interrupted,
  under_way: holder,
}: OutputOf<'status'>): string => {
  const rows = services.map((each) => [
    each.name,
    each.version,
    each.state,
    `${each.memory_mb} MB`,
    each.since?.slice(0, 19).replace('T', ' ') ?? '',
    each.listeners.join(' '),
  ]);
  const down = generation !== null && holder === undefined && isStopped(services);
  return [
    ...(down ? ["All daemons are stopped, as 'hauspost down' leaves them; 'hauspost up' starts them.", ''] : []),
    columns([['SERVICE', 'VERSION', 'STATE', 'MEMORY', 'SINCE (UTC)', 'LISTENS ON'], ...rows]),
    '',
    queue === null ? 'Queue: cannot be read' : `Queue: ${queue.active} active, ${queue.deferred} deferred, ${queue.hold} on hold`,
    ...certificates.map((each) => `Certificate: ${readable(each.names.join(', '))}; until ${each.expires.slice(0, 10)}; by ${each.issuer}`),
    `Generation: ${generation ?? 'none'}`,
    ...(generation === null && interrupted === undefined ? [] : stoppedText(services)),
    ...(holder === undefined ? [] : [underWayText(holder)]),
    ...(interrupted === undefined ? [] : [interruptedText(interrupted)]),
    ...attention(findings),
    ...(drift.length === 0 ? [] : [`Changed by somebody else: ${drift.join(', ')} (see 'hauspost plan')`]),
    '',
  ].join('\n');
};
