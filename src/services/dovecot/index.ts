/**
 * Dovecot: the mailboxes (IMAP, ManageSieve), delivery into them (LMTP, Sieve, quota), and the one judge of passwords, also for Postfix.
 * Trusts the database's views, Postfix at the other end of its sockets, and nobody on the network.
 */
import { path } from '#base';
import { principals } from '#directory';
import type { Item, Ownership, RenderInput, Service, Wake } from '#model';
import { principal } from './auth.ts';
import { check, placeIn } from './check.ts';
import { MAIN_FILE, mainText, sqlFileTexts } from './configuration.ts';
import { dovecotProbes } from './probes.ts';
import { learningItems } from './learning.ts';
import { replyItems } from './replies.ts';
import { compileItem, PACKAGE, recordOf, sievec } from './compile.ts';
import { globalScripts } from './scripts.ts';
import { MAIL_USER, MAILBOXES } from './storage.ts';
import { dovecotUnit } from './unit.ts';

const RELOAD: readonly Wake[] = [{ service: 'dovecot', by: 'reload' }];
const ROOT = { owner: 'root:root', mode: 0o644 };

const configuration = (input: RenderInput): readonly Item[] => [
  { kind: 'file', path: MAIN_FILE, text: mainText(input), ...ROOT, wakes: RELOAD },
  ...sqlFileTexts(input).map((file): Item => ({ kind: 'file', ...file, owner: `root:${principal(input)}`, mode: 0o640, wakes: RELOAD })),
];

/** Compiled here: Dovecot runs scripts as vmail, which may not write beside them. */
const scripts = (input: RenderInput): readonly Item[] => [
  { kind: 'dir', path: input.wiring.places.sieve, owner: 'root:root', mode: 0o755, exclusive: true },
  ...globalScripts(input).flatMap((script): readonly Item[] => [
    { kind: 'file', path: script.source, text: script.text, ...ROOT, wakes: [] },
    {
      kind: 'derived',
      path: script.compiled,
      from: script.source,
      argv: sievec(script),
      package: PACKAGE,
      record: recordOf(input),
      ...ROOT,
      wakes: [],
    },
  ]),
];

const mail = ({ wiring: { places } }: RenderInput): readonly Item[] => {
  const own: Ownership = { owner: `${MAIL_USER}:${MAIL_USER}`, mode: 0o700 };
  return [places.mail, path(`${places.mail}/${MAILBOXES}`), path(`${places.mail}/sieve`)].map((place) => ({
    kind: 'dir',
    path: place,
    ...own,
    exclusive: false,
  }));
};

const grants = (input: RenderInput): readonly Item[] => principals.dovecot.map((on) => ({ kind: 'grant', principal: principal(input), on }));

export const dovecot: Service = {
  name: 'dovecot',
  packages: () => ['dovecot-core', 'dovecot-imapd', 'dovecot-lmtpd', 'dovecot-managesieved', 'dovecot-mysql', 'dovecot-sieve'],
  unit: () => dovecotUnit,
  items: (input) => [
    ...configuration(input),
    ...scripts(input),
    ...learningItems(input),
    ...replyItems(input),
    compileItem(input),
    ...mail(input),
    ...grants(input),
  ],
  check,
  placeIn,
  probes: dovecotProbes,
};
