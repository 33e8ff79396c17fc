/**
 * How scripts that are not people's are compiled, at apply and before Dovecot starts: an update of Pigeonhole comes without us, and what
 * another version has compiled it may refuse to read. Dovecot's processes, as vmail, would compile such a script for every message, and complain each time.
 */
import { type AbsPath, path } from '#base';
import { shellLine } from '#formats';
import type { Item, RenderInput } from '#model';
import { type GlobalScript, globalScripts } from './scripts.ts';

export const COMPILE = path('/usr/local/lib/hauspost/compile-sieve');
/** Brings sievec(1). */
export const PACKAGE = 'dovecot-sieve';

export const recordOf = ({ wiring: { places } }: RenderInput): AbsPath => path(`${places.state}/sieve-compiled-by`);

export const sievec = ({ source, compiled, options }: GlobalScript): readonly string[] => ['/usr/bin/sievec', ...options, source, compiled];

/** One that takes longer does not end. */
const SECONDS = 10;

/** A script that does not compile stays as it was: Dovecot starts, and `status` and `plan` tell of it for as long as the record is old. */
const program = (input: RenderInput): string => `#!/bin/sh
# Before Dovecot starts: compiles the scripts of /etc/dovecot/sieve anew where ${PACKAGE} is another version than the one that did it last.
umask 022
record=${recordOf(input)}
now=$(dpkg-query -W -f '\${Version}' ${PACKAGE}) || exit
[ "$now" != "$(cat "$record" 2>/dev/null)" ] || exit 0
all=yes
compiled() { timeout ${SECONDS} "$@" || { all=; return 1; }; }
${globalScripts(input)
  .map((script) => `compiled ${shellLine(sievec(script))} && chmod 644 ${shellLine([script.compiled])}\n`)
  .join('')}[ -n "$all" ] || exit 1
umask 077
printf '%s\n' "$now" >"$record.new" && mv "$record.new" "$record"
`;

export const compileItem = (input: RenderInput): Item => ({
  kind: 'file',
  path: COMPILE,
  text: [program(input)],
  owner: 'root:root',
  mode: 0o755,
  wakes: [],
});
