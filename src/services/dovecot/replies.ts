/**
 * Mail that Sieve sends (vacation, reject, redirect) leaves by sendmail(1), through a script of ours that says whose answer it is
 * (model/replies.ts). What is redirected keeps its sender and is passed on as it is.
 */
import { path } from '#base';
import { type Item, REPLY_HEADER, REPLY_WORD } from '#model';
import { MAIL_USER } from './storage.ts';
import type { Subject } from './vocabulary.ts';

const PROGRAM = path('/usr/local/lib/hauspost/sieve-sendmail');

export const replies: Subject = (_input, { variables: { login } }) => ({
  rows: [{ set: 'sendmail_path', to: { template: [`${PROGRAM} `, login] }, why: 'Besides the account it gets -i -f SENDER -- RECIPIENT.' }],
});

const SCRIPT = [
  `#!/bin/sh
# ACCOUNT -i -f SENDER -- RECIPIENT: mail of its Sieve script on standard input. Answers have no sender.
account=$1
shift
if [ "$3" = '<>' ]; then
  {
    printf '${REPLY_HEADER}: %s %s\\r\\n' '`,
  REPLY_WORD,
  `' "$account"
    /bin/cat
  } | /usr/sbin/sendmail "$@"
else
  exec /usr/sbin/sendmail "$@"
fi
`,
];

/** Dovecot runs it as the mail user. */
export const replyItems: readonly Item[] = [{ kind: 'file', path: PROGRAM, text: SCRIPT, owner: `root:${MAIL_USER}`, mode: 0o750, wakes: [] }];
