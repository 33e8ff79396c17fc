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
export { CONTROLLER_HASH, rspamdPasswordHash } from './rspamd/index.ts';
export { RELAY_PASSWORD } from './postfix/index.ts';
export { KEY_ZONE, keyZoneName, keyZoneText, STRANGER } from './unbound/index.ts';
export { DUE } from './upkeep/index.ts';

/** In the order in which they start. */
export const SERVICES: readonly Service[] = [unbound, mariadb, redis, rspamd, dovecot, postfix, nginx, dkimKeys, upkeep];

/** Packages that no single daemon brings: openssl for our own authority, dig(1) and nsupdate(1) for what is published, runit where systemd is not. */
const common = (input: RenderInput): readonly string[] => [
  'openssl',
  'ca-certificates',
  'iproute2',
  'bind9-dnsutils',
  ...(input.facts.init === 'runit' ? ['runit'] : []),
];

/** `hauspost` for everybody's PATH leads to where it is installed. */
const command = ({ wiring }: RenderInput, program: AbsPath): Item => ({
  kind: 'file',
  path: wiring.places.command,
  text: ['#!/bin/sh\n', `exec ${shellLine([program])} "$@"\n`],
  owner: 'root:root',
  mode: 0o755,
  wakes: [],
});

/** Pure: the same input gives the same manifest. `program` is the launcher; `services` are all, or those that an earlier version had. */
export const render = (
  input: RenderInput,
  program: AbsPath,
  services = SERVICES,
): { readonly manifest: Manifest; readonly packages: readonly string[]; readonly answers: readonly string[] } => {
  const items: readonly Item[] = services.flatMap((service, place) => [
    ...service.items(input),
    ...unitItems(service, services.slice(0, place), input),
  ]);
  const packages = [...common(input), ...services.flatMap((service) => service.packages(input))];
  const answers = services.flatMap((service) => service.answers ?? []);
  return { manifest: { items: [command(input, program), ...items, ...logItems(input), ...updateItems] }, packages: [...new Set(packages)], answers };
};
