/**
 * The loop itself. It looks at the clock once a minute and calls Hauspost when that time has come: as a file says, which the last call wrote, and at the
 * latest an hour after that. The file lies where a boot removes it, so a machine that was off is looked after at once. Whoever wants it to
 * come earlier removes the file. It says what was done and what is wrong, the same words once a day:
 * the journal keeps a week, and what is wrong may be so for longer.
 */
import { path } from '#base';
import { shellLine } from '#formats';
import type { RenderInput } from '#model';

export const LOOP = path('/usr/local/lib/hauspost/upkeep');

/** When Hauspost wants to be called again: seconds since 1970. */
export const DUE = path('/run/hauspost/upkeep');

/** Each look costs two short processes, each call starts Node. */
const LOOK_SECONDS = 60;
/** Also where the clock was set back, and the file names a time that is far away. */
const LONGEST_SECONDS = 3600;
/** Where a call does not come to its end, and the file stays as the loop wrote it. */
const PATIENCE_SECONDS = 600;
const DAY_SECONDS = 86_400;

export const loop = ({ wiring }: RenderInput): string => `#!/bin/sh
# Written by Hauspost. Calls it when something is due: see docs/tls.md.
due=${DUE}
mkdir -p -m 0700 ${DUE.slice(0, DUE.lastIndexOf('/'))}

said=
say() {
  [ "$((now / ${DAY_SECONDS})) $1" = "$said" ] || [ -z "$1" ] || printf '%s\\n' "$1"
  said="$((now / ${DAY_SECONDS})) $1"
}

while :; do
  sleep ${LOOK_SECONDS}
  now=$(date +%s)
  at=
  [ ! -e "$due" ] || read -r at <"$due"
  case $at in '' | *[!0-9]*) at=0 ;; esac
  if [ "$at" -le "$now" ] || [ "$at" -gt $((now + ${LONGEST_SECONDS})) ]; then
    echo $((now + ${PATIENCE_SECONDS})) >"$due"
    told=$(${shellLine([wiring.places.command, 'upkeep'])} 2>&1)
    say "$told"
  fi
done
`;
