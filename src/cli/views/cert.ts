/** `cert` for a person. */
import { readable } from '#base';
import type { OutputOf } from '#operations';
import { attention, columns } from './table.ts';

type Status = OutputOf<'cert status'>;

const minute = (time: string): string => `${time.slice(0, 16).replace('T', ' ')} (UTC)`;

const certificate = (shown: Status['certificate']): readonly (readonly string[])[] =>
  shown === null
    ? [['Certificate', 'none that can be read']]
    : [
        ['Names', readable(shown.names.join(', '))],
        ['Signed by', `${shown.issuer}${shown.own_ca ? " (the server's own authority)" : ''}`],
        ['Valid until', minute(shown.expires)],
        ['Key', `${shown.key_type}, TLSA ${shown.tlsa}`],
        ...(shown.served ? [] : [['', "the daemons have not read it yet: 'hauspost apply'"]]),
      ];

const leftOut = (list: Status['left_out']): readonly (readonly string[])[] =>
  list.map(({ name, why }, index) => [index === 0 ? 'Left out' : '', `${readable(name)}: ${why}`]);

const attempt = (last: Status['last_attempt']): readonly (readonly string[])[] =>
  last === null ? [] : [['Last asked', `${minute(last.at)}: ${last.error === null ? 'signed' : readable(last.error.message)}`]];

const rollover = (progress: Status['rollover']): readonly (readonly string[])[] =>
  progress === null
    ? []
    : [
        ['Next key', `TLSA ${progress.tlsa}`],
        ['', `waits: ${readable(progress.waits)}`],
      ];

export const certStatus = (output: Status): string => {
  const { source, authority, certificate: shown, left_out: out, last_attempt: last, next, findings } = output;
  const rows = [
    ['Source', `${source}${authority === null ? '' : `, ${authority}`}`],
    ...certificate(shown),
    ...leftOut(out),
    ...attempt(last),
    ...rollover(output.rollover),
    ['Next', next],
  ];
  return [columns(rows), ...attention(findings), ''].join('\n');
};

export const certRenew = ({ renewed, done, left_out: out }: OutputOf<'cert renew'>): string => {
  const lines = renewed ? done : ["Nothing is due; '--force' renews it all the same."];
  return [...lines, ...out.map(({ name, why }) => `Left out: ${readable(name)}: ${why}.`)].map((line) => `${line}\n`).join('');
};

export const certRollover = ({ state, tlsa, said }: OutputOf<'cert rollover'>): string => {
  if (state !== 'waits') return `${readable(said)}\n`;
  return `${readable(`The next key waits: ${said}.`)}\nTLSA ${tlsa ?? ''}\n'hauspost dns records' has it; upkeep goes on by itself, and so does this command.\n`;
};

/** certbot shows what it says; it needs nothing of it. */
export const certChallenge = ({ name, zone }: OutputOf<'cert challenge'>): string => `${readable(name)} in ${readable(zone)}\n`;
