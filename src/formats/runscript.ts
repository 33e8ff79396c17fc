/**
 * Run scripts of runit (runsv(8)): POSIX sh that prepares and then becomes the daemon. Words are single-quoted, which holds
 * every character but NUL (sh(1), "Quoting").
 */
import type { Text } from '#base';
import { holds } from './refusal.ts';
import { header } from './text.ts';

type Argv = readonly string[];

const word = (text: string): string => {
  const held = holds('a run script', 'argument', text);
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(held) ? held : `'${held.replaceAll("'", "'\\''")}'`;
};

/** One command as sh would read it back. */
export const shellLine = (argv: Argv): string => argv.map(word).join(' ');

/**
 * Runs each of `prepare`, stops at the first that fails, then becomes `foreground` with standard error joined to standard output.
 * `group`: in a process group of its own, whose number that file tells while the daemon runs.
 */
export const renderRunScript = (prepare: readonly Argv[], foreground: Argv, group?: string): Text => [
  '#!/bin/sh\n',
  ...header(),
  'set -e\nexec 2>&1\n',
  ...(group === undefined ? [] : [`rm -f ${word(group)}\n`]),
  ...prepare.map((argv) => `${shellLine(argv)}\n`),
  ...(group === undefined ? [] : [`echo $$ >${word(group)}\n`]),
  `exec ${shellLine([...(group === undefined ? [] : ['chpst', '-P']), ...foreground])}\n`,
];

/** What runsv(8) runs once the daemon has ended: ends what it left behind of its group. */
export const renderFinishScript = (group: string): Text => [
  '#!/bin/sh\n',
  ...header(),
  `[ -e ${word(group)} ] || exit 0\n`,
  `read -r group <${word(group)}\n`,
  `rm -f ${word(group)}\n`,
  'kill -TERM "-$group" 2>/dev/null\n',
  'exit 0\n',
];
