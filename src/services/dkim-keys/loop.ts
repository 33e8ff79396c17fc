/**
 * The loop itself. It compares the domains of the database with the map of selectors, which costs 0.03 s of a processor each time,
 * and starts Hauspost only where a domain is missing there. It says what happened and what is wrong, each once, and nothing else.
 * Rspamd's processes that have begun since its last look get to see the maps (docs/rspamd.md): what these held when Rspamd's first process began is all
 * that the later ones know otherwise.
 */
import { path } from '#base';
import { shellLine } from '#formats';
import type { RenderInput } from '#model';

export const LOOP = path('/usr/local/lib/hauspost/dkim-keys');

/** A new domain signs within this and the time for a key, up to 2 s on slow processors; Rspamd sees the map at once (docs/rspamd.md). */
const SECONDS = 10;
/** How often the maps are touched: a process that has just begun may not watch them yet, and whole seconds count. */
const TOUCHES = 3;
/** After a failure: what is broken stays so for a while, and each attempt starts Node. */
const PATIENCE = 40;

const query = ({ wiring }: RenderInput): string =>
  shellLine([
    ...['mariadb', '--no-defaults', `--socket=${wiring.sockets.mariadb.path}`, '--user=root', '--connect-timeout=10'],
    ...['--batch', '--skip-column-names', '--execute=SELECT LOWER(domain) FROM domains', 'vmail'],
  ]);

export const loop = (input: RenderInput): string => `#!/bin/sh
# Written by Hauspost. Makes DKIM keys for domains that SQL has added: see docs/rspamd.md.
map=${shellLine([`${input.wiring.places.dkim}/selectors.map`])}
other=${shellLine([`${input.wiring.places.dkim}/ed25519.map`])}

domains() { ${query(input)} 2>&1; }

# Those of standard input that the map does not name.
unsigned() {
  [ -e "$map" ] || set -- /dev/null
  awk '!read { has[$1]; next } !($1 in has)' read=0 "\${1:-$map}" read=1 -
}

# Of Rspamd, as they were at the last look.
processes=
touches=0
show() {
  now=$(pgrep -x rspamd)
  [ "$now" = "$processes" ] || touches=${TOUCHES}
  processes=$now
  [ "$touches" -gt 0 ] || return 0
  touch -c "$map" "$other"
  touches=$((touches - 1))
}

said=
say() {
  [ "$1" = "$said" ] || printf '%s\\n' "$1"
  said=$1
}

# Hauspost makes no key for these, and has said why.
hopeless=
# What kept the last look from reading. A database that is being restarted fails once, or twice in different words; that is not worth a line.
hindrance=
while :; do
  pause=${SECONDS}
  show
  if all=$(domains); then
    hindrance=
    missing=$(printf '%s\\n' "$all" | unsigned)
    if [ -z "$missing" ] || [ "$missing" = "$hopeless" ]; then
      said=
    elif told=$(${shellLine([input.wiring.places.command, 'dkim', 'sync'])} 2>&1); then
      say "$told"
      hopeless=$(printf '%s\\n' "$all" | unsigned)
    else
      say "no DKIM key could be made for $(printf '%s\\n' "$missing" | head -n 3 | tr '\\n' ' '): $told"
      pause=${PATIENCE}
    fi
  else
    [ "$all" != "$hindrance" ] || say "the domains cannot be read; trying again every ${SECONDS} seconds: $all"
    hindrance=$all
  fi
  sleep "$pause"
done
`;
