/**
 * The views through which the daemons see the four tables: "has mail" is said here and nowhere else. A view is never changed, only
 * superseded by the next version, so that a daemon with yesterday's configuration keeps its answers. Daemons are granted views, never tables.
 */

export const VIEW_NAMES = [
  'domains_v1', // domain
  'accounts_v1', // username, domain, address, enabled, send_only, receives: who exists, and who receives
  'mailboxes_v1', // username, domain, address, quota_mb: whose mail lies here, whatever its state
  'logins_v1', // username, domain, address, password, submission_only: who may log in, and where
  'alias_steps_v1', // source_*, destination_*: where an enabled alias leads in one step; source_username NULL is the catch-all
  'tls_policies_v1', // domain, policy, params
] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

/** What Dovecot calls at each login; like views, superseded and never changed. */
export const FUNCTION_NAMES = [
  'login_refused_v1',
  'login_refused_v2',
  'login_refused_v3',
  'login_failed_v1',
  'login_failed_v2',
  'login_succeeded_v1',
] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** A database account that MariaDB's `unix_socket` lets the OS user of the same name use. */
export type PrincipalName = 'postfix' | 'dovecot';

/** What each daemon asks and calls, and so all that it may. */
export const principals: Readonly<Record<PrincipalName, readonly (ViewName | FunctionName)[]>> = {
  postfix: ['domains_v1', 'accounts_v1', 'alias_steps_v1', 'tls_policies_v1'],
  dovecot: ['mailboxes_v1', 'logins_v1', 'login_refused_v3', 'login_failed_v2', 'login_succeeded_v1'],
};
