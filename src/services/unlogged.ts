/**
 * Lines of Postfix' that no log keeps (M28): smtpd(8) shows a hundred octets of what came too early, or was no command, and that is a
 * password where a script sends its whole dialogue at once, or the head of a message. No setting of Postfix' says otherwise (smtpd.c,
 * smtpd_start_command and smtpd_proto). What became of the session stands in other lines.
 */
const BEGINNINGS = ['improper command pipelining after', 'warning: non-SMTP command from'];

/** LogFilterPatterns= (systemd.exec(5), 253 and later), which journald looks for in the message behind the program's name. */
export const FILTER_OF_JOURNALD = `~^(${BEGINNINGS.join('|')})`;

/** svlogd(8): a `*` goes to the first octet of that kind, which is the end of the program's name and process. */
export const LINES_OF_SVLOGD = BEGINNINGS.map((words) => `-*]: ${words} *\n`).join('');
