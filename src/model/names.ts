/** The shared nouns' names: daemons, sockets, places. */

/** In the order in which they are started; stopping is the reverse. */
export const SERVICE_NAMES = ['unbound', 'redis', 'rspamd', 'mariadb', 'dovecot', 'postfix', 'nginx', 'dkim-keys', 'upkeep'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** Unix sockets where daemons meet. */
export type SocketName =
  | 'mariadb' // SQL, for Postfix' proxymap, Dovecot's auth workers, and us
  | 'redis' // for Rspamd
  | 'milter' // Rspamd's proxy worker, for Postfix
  | 'controller' // Rspamd's controller: full rights without a password, for root and the learner only
  | 'sasl' // Dovecot's auth, for smtpd
  | 'lmtp' // Dovecot's LMTP, for Postfix' lmtp client
  | 'quota-status' // Dovecot's policy service, for smtpd
  | 'sieve-reply' // smtpd for vacation replies, for Dovecot's LMTP
  | 'sieve-pass'; // smtpd for all else that a Sieve script sends

export type PlaceName =
  | 'command' // /usr/local/bin/hauspost
  | 'config' // /etc/hauspost
  | 'state' // /var/lib/hauspost
  | 'generations'
  | 'secrets'
  | 'tls-key' // private key of the server certificate, PEM, 0600 root
  | 'tls-chain' // certificate and intermediates, PEM
  | 'tls-ca' // the CA that clients must trust in profile local, PEM
  | 'mail' // /var/vmail
  | 'sieve' // compiled global scripts
  | 'dkim' // Rspamd's copies of the DKIM private keys
  | 'postfix-queue'; // /var/spool/postfix
