/**
 * Postfix: mail in from strangers, mail in from our people, mail out. Trusts the database's views, and Dovecot and Rspamd at
 * the other end of its sockets. Refuses relaying, and whatever it cannot judge it puts off.
 */
import { path } from '#base';
import { principals } from '#directory';
import type { Item, RenderInput, Service, Wake } from '#model';
import { check, placeIn } from './check.ts';
import { chroot } from './chroot.ts';
import { MAIN_CF, mainText, MASTER_CF, masterText } from './configuration.ts';
import { headerCleanupItem } from './header-cleanup.ts';
import { mapItems } from './maps.ts';
import { noticeItems } from './notices.ts';
import { postfixProbes } from './probes.ts';
import { catchUp } from './put-off.ts';
import { relayItems } from './relay.ts';
import { postfixUnit } from './unit.ts';

export { RELAY_PASSWORD } from './relay.ts';

const RELOAD: readonly Wake[] = [{ service: 'postfix', by: 'reload' }];
const ROOT = { owner: 'root:root', mode: 0o644 };

const configuration = (input: RenderInput): readonly Item[] => [
  { kind: 'file', path: MAIN_CF, text: mainText(input), ...ROOT, wakes: RELOAD },
  { kind: 'file', path: MASTER_CF, text: masterText(input), ...ROOT, wakes: RELOAD },
  headerCleanupItem(input),
  ...noticeItems(input),
];

/** The name under which programs of the machine write mail (mailname(5)); Postfix itself is told in main.cf. */
const mailname = ({ settings }: RenderInput): Item => ({
  kind: 'file',
  path: path('/etc/mailname'),
  text: [`${settings.hostname}\n`],
  ...ROOT,
  wakes: [],
});

const grants: readonly Item[] = principals.postfix.map((on) => ({ kind: 'grant', principal: 'postfix', on }));

export const postfix: Service = {
  name: 'postfix',
  // The last is for a login at a relay host; then there need be no way to fetch it.
  packages: () => ['postfix', 'postfix-mysql', 'postfix-lmdb', 'ca-certificates', 'libsasl2-modules'],
  // The package leaves main.cf alone then. Unanswered, each update at a terminal asks (seen on 3.7.11 and 3.10.13).
  answers: ['postfix postfix/main_mailer_type select No configuration'],
  unit: postfixUnit,
  items: (input) => [...configuration(input), ...mapItems(input), ...relayItems(input), ...chroot(input), mailname(input), ...grants],
  check,
  placeIn,
  probes: postfixProbes,
  catchUp,
};
