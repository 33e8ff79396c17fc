/**
 * How the filter knows by which way a message came to Postfix, where it is not what it looks like: the milter macro `{daemon_name}`, which
 * no client can set. Mail of people's Sieve scripts comes by sockets of its own, with the account as its login.
 */
export const WAYS = {
  /** A vacation reply: mail of its account, as if it had logged in. */
  reply: 'hauspost-reply',
  /** What a script passes on (redirect), and what it refuses (reject): somebody else's, or nobody's. */
  pass: 'hauspost-pass',
  /** What Postfix itself tells a sender (RFC 3464). */
  notice: 'hauspost-notice',
} as const;
