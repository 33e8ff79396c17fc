/**
 * Mail to the host itself. Role names (RFC 2142, RFC 5321 4.5.1) reach the postmaster from everywhere; from local programs
 * and for bounces any name does, since cron and the like send as and to Unix accounts, which have no mailbox.
 */
import type { Settings } from '#config';

const ROLES = ['postmaster', 'abuse', 'hostmaster', 'root', 'mailer-daemon'];

const inline = (pairs: readonly (readonly [string, string])[]): string => `inline:{${pairs.map(([key, value]) => `{${key} = ${value}}`).join(', ')}}`;

export const roleNames = ({ hostname, postmaster }: Settings): string => inline(ROLES.map((role) => [`${role}@${hostname}`, postmaster] as const));

export const everyName = ({ hostname, postmaster }: Settings): string => inline([[`@${hostname}`, postmaster]]);
