/**
 * Who may log in, and where an account's mail lies: both asked of the database's views at every login and delivery, never from a
 * cache, so that a row changed by plain SQL counts at once (M4). Trusts the views; decides nothing about accounts itself.
 */
import { bug } from '#base';
import { lookups } from '#directory';
import { type Node, type Row, setting, verbatim } from '#formats';
import type { RenderInput } from '#model';
import { limits } from './limits.ts';
import { loginLimits, noPenalty, type Step } from './login-limits.ts';
import { MAILBOXES } from './storage.ts';
import type { Dialect, Subject } from './vocabulary.ts';

/** The contract's name of the database (D1). */
const DATABASE = 'vmail';

/** 2.3's files for SQL, beside dovecot.conf: of the login itself, and of each step around it. Read by the auth processes, which do not run as root. */
const sqlPath = (name?: Step['name']): string => `/etc/dovecot/dovecot-sql${name === undefined ? '' : `-${name}`}.conf.ext`;

/** For hashes without `{SCHEME}`: the original's scheme. What crypt(3) knows (`$6$`, `$2y$`) passes under it. */
const DEFAULT_SCHEME = 'SHA512-CRYPT';

/** What the name of an account may hold that SQL made (lookups.ts, `isAtom`): RFC 5322's atext less slash, percent and plus. */
const USERNAME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890.-_@!#$&'*=?^`{|}~";

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
  const { local, domain, service, secured, seen } = dialect.variables;
  const at = { local: dialect.written(local), domain: dialect.written(domain), service: dialect.written(service), seen: dialect.written(seen) };
  const overTls = `('${dialect.written(secured)}' = 'TLS' OR '${at.service}' = 'smtp')`;
  return {
    login: `${lookups.login(at)} AND ${overTls}`,
    mailbox: lookups.mailbox(at, `${wiring.places.mail}/${MAILBOXES}`, dialect.quota),
    everyMailbox: lookups.everyMailbox(),
  };
};

export interface SqlFile {
  readonly path: string;
  readonly rows: readonly Row[];
}

export const sqlFiles = (input: RenderInput, dialect: Dialect): readonly SqlFile[] => {
  const { login, mailbox, everyMailbox } = questions(input, dialect);
  const steps = loginLimits(input, dialect);
  const database: readonly Row[] = [
    { set: 'driver', to: 'mysql' },
    {
      why: 'No password: MariaDB asks the kernel who is at the other end of the socket.',
      set: 'connect',
      to: verbatim(`host=${input.wiring.sockets.mariadb.path} dbname=${DATABASE} user=${principal(input)}`),
    },
  ];
  const real: readonly Row[] = [
    ...database,
    { set: 'default_pass_scheme', to: DEFAULT_SCHEME },
    { set: 'password_query', to: verbatim(login) },
    { set: 'user_query', to: verbatim(mailbox) },
    { set: 'iterate_query', to: verbatim(everyMailbox) },
  ];
  const asked = [...steps.before, ...steps.after].map(({ name, query }) => ({
    path: sqlPath(name),
    rows: [...database, { set: 'password_query', to: verbatim(query) }],
  }));
  return [{ path: sqlPath(), rows: real }, ...asked];
};

const passdb23 = (rows: readonly Row[], name?: Step['name']): Node => ({
  block: 'passdb',
  rows: [{ set: 'driver', to: 'sql' }, { set: 'args', to: sqlPath(name) }, ...rows],
  until: '2.4',
});

const passdb24 = ({ name, query, rows }: Step): Node => ({
  block: 'passdb',
  name,
  rows: [{ set: 'driver', to: 'sql' }, { set: 'sql_query', to: verbatim(query) }, ...rows],
  from: '2.4',
});

/** Asked in this order. */
const passdbs = (input: RenderInput, dialect: Dialect): readonly Node[] => {
  const { before, real, after } = loginLimits(input, dialect);
  const on23 = (steps: readonly Step[]): readonly Node[] => steps.map(({ name, rows }) => passdb23(rows, name));
  const real24: Node = {
    block: 'passdb',
    name: 'sql',
    rows: [{ set: 'default_password_scheme', to: DEFAULT_SCHEME }, { set: 'query', to: verbatim(questions(input, dialect).login) }, ...real],
    from: '2.4',
  };
  return [...on23(before), passdb23(real), ...on23(after), ...before.map(passdb24), real24, ...after.map(passdb24)];
};

/** 2.4 has no setting by which the auth process would ask fewer (2.3: auth_worker_max_count). */
const AUTH_WORKERS_24 = 30;

export const auth: Subject = (input, dialect) => {
  const { mailbox, everyMailbox } = questions(input, dialect);
  return {
    rows: [
      { set: 'auth_mechanisms', to: ['plain', 'login'] },
      { set: 'disable_plaintext_auth', to: true, until: '2.4' },
      { set: 'auth_allow_cleartext', to: false, from: '2.4' },
      {
        set: 'auth_allow_weak_schemes',
        to: true,
        from: '2.4',
        why: 'Hashes that 2.3 knew (MD5, DES) go on to count: refused by their scheme, their owners would be locked out by the upgrade.',
      },
      { set: 'auth_cache_size', to: 0, why: 'No cache: a changed password or a disabled account counts at once, also when changed by plain SQL.' },
      { set: 'auth_username_format', to: dialect.variables.login },
      { set: 'auth_username_chars', to: USERNAME_CHARS },
      { set: 'auth_worker_max_count', to: limits(input.facts).authWorkers, until: '2.4' },
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
      ...passdbs(input, dialect),
      noPenalty,
      {
        block: 'userdb',
        rows: [
          { set: 'driver', to: 'sql' },
          { set: 'args', to: sqlPath() },
        ],
        until: '2.4',
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
          {
            set: 'process_limit',
            to: AUTH_WORKERS_24,
            from: '2.4',
            why: 'Its default. The auth process does not keep to a smaller limit: beyond it logins fail, or wait for nobody.',
          },
          { set: 'vsz_limit', to: '1 G', why: 'An ARGON2ID hash says itself how much memory its check takes.' },
        ],
      },
    ],
  };
};
