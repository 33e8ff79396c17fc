/**
 * What a mail program tells about its user and no reader needs: address of the client, name of the program. Only the outer
 * header is cleaned (header_checks(5)); attached messages, which may be signed, stay as they are.
 */
import { path } from '#base';
import { type Row, compareVersions } from '#formats';
import type { Item, RenderInput } from '#model';

const FILE = path('/etc/postfix/submission_header_cleanup');

const NAMES = ['X-Originating-IP', 'X-Mailer', 'User-Agent'];

/**
 * Our own trace line on releases that cannot leave the client out themselves: all before "by" goes. POSIX `.` matches the line
 * breaks of a folded header; the letters after "ESMTP" are those of RFC 3848.
 */
const received = (hostname: string): string => {
  const host = hostname.replaceAll('.', '\\.');
  return `/^Received: from .*[[:space:]]by ${host} \\(Postfix\\) with (ESMTPS?A id .*)$/\n    REPLACE Received: by ${hostname} (Postfix) with $1\n`;
};

/** Lines of regexp_table(5); the only variable is a host name, of letters, digits, `-` and `.`. */
export const headerCleanup = ({ settings, facts }: Pick<RenderInput, 'settings' | 'facts'>): string =>
  [
    ...(compareVersions(facts.versions.postfix, '3.10') < 0 ? [received(settings.hostname)] : []),
    ...NAMES.map((name) => `/^${name}:/ IGNORE\n`),
  ].join('');

export const headerCleanupOptions: readonly Row[] = [
  { set: 'header_checks', to: `regexp:${FILE}` },
  { set: 'mime_header_checks', to: '' },
  { set: 'nested_header_checks', to: '' },
];

export const headerCleanupItem = (input: RenderInput): Item => ({
  kind: 'file',
  path: FILE,
  text: [headerCleanup(input)],
  owner: 'root:root',
  mode: 0o644,
  wakes: [{ service: 'postfix', by: 'reload' }],
});

/** For the check: a header of each kind and what Postfix must find for it. */
export const cleanupSamples = { file: FILE, dropped: NAMES.map((name) => `${name}: x`), kept: 'Subject: x' };
