/**
 * Who may log in, and where an account's mail lies: both asked of the database's views at every login and delivery, never from a
 * cache, so that a row changed by plain SQL counts at once (M4). Trusts the views; decides nothing about accounts itself.
 */
import { bug } from '#base';
import { lookups } from '#directory';
import { type Row, setting, verbatim } from '#formats';
import type { RenderInput } from '#model';
import { limits } from './limits.ts';
import { MAILBOXES } from './storage.ts';
import type { Dialect, Subject } from './vocabulary.ts';

/** The contract's name of the database (D1). */
const DATABASE = 'vmail';

/** 2.3's file for SQL, beside dovecot.conf. Read by the auth processes, which do not run as root. */
export const SQL_FILE = '/etc/dovecot/dovecot-sql.conf.ext';

/** For hashes without `{SCHEME}`: the original's scheme. What crypt(3) knows (`$6$`, `$2y$`) passes under it. */
const DEFAULT_SCHEME = 'SHA512-CRYPT';

/** All that an address of ours may hold: Dovecot's own letters, and the rest of RFC 5322's atext less quotes, slash, percent and plus. */
const USERNAME_CHARS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890.-_@!#$&*=?^{|}~';

export const principal = ({ wiring }: RenderInput): string => {
  const found = wiring.principals.find((each) => each.service === 'dovecot');
  if (found === undefined) throw bug('the wiring has no database account for Dovecot');
  return found.name;
};

export interface Questions {
  readonly login: string;
  readonly mailbox: string;
  readonly everyMailbox: string;
}

/**
 * Dovecot takes any connection from the machine to itself for secured, whatever `ssl` says (client-common.c): a password in clear
 * over loopback is therefore refused here. Postfix refuses it itself and says only "secured".
 */
export const questions = ({ wiring }: RenderInput, dialect: Dialect): Questions => {
  const { local, domain, service, secured } = dialect.variables;
  const at = { local: dialect.written(local), domain: dialect.written(domain), service: dialect.written(service) };
  const overTls = `('${dialect.written(secured)}' = 'TLS' OR '${at.service}' = 'smtp')`;
  return {
    login: `${lookups.login(at)} AND ${overTls}`,
    mailbox: lookups.mailbox(at, `${wiring.places.mail}/${MAILBOXES}`, dialect.quota),
    everyMailbox: lookups.everyMailbox(),
  };
};

export const sqlFileRows = (input: RenderInput, dialect: Dialect): readonly Row[] => {
  const { login, mailbox, everyMailbox } = questions(input, dialect);
  return [
    { set: 'driver', to: 'mysql' },
    {
      why: 'No password: MariaDB asks the kernel who is at the other end of the socket.',
      set: 'connect',
      to: verbatim(`host=${input.wiring.sockets.mariadb.path} dbname=${DATABASE} user=${principal(input)}`),
    },
    { set: 'default_pass_scheme', to: DEFAULT_SCHEME },
    { set: 'password_query', to: verbatim(login) },
    { set: 'user_query', to: verbatim(mailbox) },
    { set: 'iterate_query', to: verbatim(everyMailbox) },
  ];
};

export const auth: Subject = (input, dialect) => {
  const { login, mailbox, everyMailbox } = questions(input, dialect);
  const file23 = [
    { set: 'driver', to: 'sql' },
    { set: 'args', to: SQL_FILE },
  ];
  return {
    rows: [
      { set: 'auth_mechanisms', to: ['plain', 'login'] },
      { set: 'disable_plaintext_auth', to: true, until: '2.4' },
      { set: 'auth_allow_cleartext', to: false, from: '2.4' },
      { set: 'auth_cache_size', to: 0, why: 'No cache: a changed password or a disabled account counts at once, also when changed by plain SQL.' },
      { set: 'auth_username_format', to: dialect.variables.login },
      { set: 'auth_username_chars', to: USERNAME_CHARS },
      { set: 'auth_worker_max_count', to: limits(input.facts).authWorkers, until: '2.4' },
      { block: 'passdb', rows: file23, until: '2.4' },
      { block: 'userdb', rows: file23, until: '2.4' },
      { set: 'sql_driver', to: 'mysql', from: '2.4' },
      {
        block: 'mysql',
        name: input.wiring.sockets.mariadb.path,
        rows: [
          { set: 'user', to: principal(input) },
          { set: 'dbname', to: DATABASE },
        ],
        from: '2.4',
      },
      {
        block: 'passdb',
        name: 'sql',
        rows: [
          { set: 'default_password_scheme', to: DEFAULT_SCHEME },
          { set: 'query', to: verbatim(login) },
        ],
        from: '2.4',
      },
      {
        block: 'userdb',
        name: 'sql',
        rows: [
          { set: 'query', to: verbatim(mailbox) },
          { set: 'iterate_query', to: verbatim(everyMailbox) },
        ],
        from: '2.4',
      },
      {
        block: 'service',
        name: 'auth-worker',
        why: "Runs as the operating system's user that MariaDB lets in; as root, the default, it would not be.",
        rows: [
          { set: 'user', to: setting('default_internal_user') },
          { set: 'process_limit', to: limits(input.facts).authWorkers, from: '2.4' },
          { set: 'vsz_limit', to: '1 G', why: 'An ARGON2ID hash says itself how much memory its check takes.' },
        ],
      },
    ],
  };
};
