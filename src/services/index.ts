/** All daemons, and their rendering into one manifest. */
import type { AbsPath } from '#base';
import { shellLine } from '#formats';
import type { Item, Manifest, RenderInput, Service } from '#model';
import { dkimKeys } from './dkim-keys/index.ts';
import { dovecot } from './dovecot/index.ts';
import { logItems } from './logs.ts';
import { mariadb } from './mariadb/index.ts';
import { nginx } from './nginx/index.ts';
import { postfix } from './postfix/index.ts';
import { redis } from './redis/index.ts';
import { rspamd } from './rspamd/index.ts';
import { unbound } from './unbound/index.ts';
import { unitItems } from './units.ts';
import { updateItems } from './updates.ts';
import { upkeep } from './upkeep/index.ts';

export { ACME_ROOT } from './nginx/index.ts';
export { beyondMemory, CONTROLLER_HASH, rspamdPasswordHash } from './rspamd/index.ts';
export { RELAY_PASSWORD } from './postfix/index.ts';
export { KEY_ZONE, keyZoneName, keyZoneText, STRANGER } from './unbound/index.ts';
export { DUE } from './upkeep/index.ts';

/** In the order in which they start. */
export const SERVICES: readonly Service[] = [unbound, redis, rspamd, mariadb, dovecot, postfix, nginx, dkimKeys, upkeep];

/** Packages that no single daemon brings: openssl for our own authority, dig(1) and nsupdate(1) for who takes changes of zones, runit where systemd is not. */
const common = (input: RenderInput): readonly string[] => [
  'openssl',
  'ca-certificates',
  'iproute2',
  'bind9-dnsutils',
  ...(input.facts.init === 'runit' ? ['runit'] : []),
];

/** What `hauspost` for everybody's PATH leads to. */
export interface Installation {
  /** The launcher. */
  readonly program: AbsPath;
  /** Whose it is: a name, or a number where there is none. */
  readonly owner: string;
}

/**
 * A shell that cannot execute it ends with 126 or 127, which says nothing: it may lie where root alone may go, such as in /root, or be there no more. One that
 * somebody else has put there meanwhile is not run.
 */
const launch = (program: string, owner: string): string => `#!/bin/sh
code=
if [ ! -x ${program} ]; then
  code=launcher.gone message='hauspost is no longer where it was installed' remedy='Run ./hauspost apply where it is now.'
  [ "$(id -u)" = 0 ] || code=needs.root message='hauspost needs root' remedy='Run it with sudo.'
else
  case $(stat --format=' %U %u ' ${program}) in
  *' root '* | *' '${owner}' '*) ;;
  *) code=launcher.strange message='hauspost is no longer whose it was' remedy='See who put it there; if it is right run ./hauspost apply where it is.' ;;
  esac
fi
if [ -n "$code" ]; then
  printf '%s\\n' "hauspost: $message" "  $remedy" >&2
  for word; do
    [ "$word" != --json ] || printf '{"error":{"blame":"environment","code":"%s","message":"%s","remedy":"%s"}}\\n' "$code" "$message" "$remedy"
  done
  exit 4
fi
exec ${program} "$@"
`;

/** `hauspost` for everybody's PATH leads to where it is installed. */
const command = ({ wiring }: RenderInput, { program, owner }: Installation): Item => ({
  kind: 'file',
  path: wiring.places.command,
  text: [launch(shellLine([program]), shellLine([owner]))],
  owner: 'root:root',
  mode: 0o755,
  wakes: [],
});

/** Pure: the same input gives the same manifest. `services` are all, or those that an earlier version had. */
export const render = (
  input: RenderInput,
  installation: Installation,
  services = SERVICES,
): { readonly manifest: Manifest; readonly packages: readonly string[]; readonly answers: readonly string[] } => {
  const items: readonly Item[] = services.flatMap((service, place) => [
    ...service.items(input),
    ...unitItems(service, services.slice(0, place), input),
  ]);
  const packages = [...common(input), ...services.flatMap((service) => service.packages(input))];
  const answers = services.flatMap((service) => service.answers ?? []);
  return {
    manifest: { items: [command(input, installation), ...items, ...logItems(input), ...updateItems] },
    packages: [...new Set(packages)],
    answers,
  };
};
