/**
 * What the daemons ask the database, each question written once. A caller gives the placeholders of its daemon's syntax (`%u`, `%{user | username}`);
 * the daemon escapes what it puts in their place, and the text here puts the quotes. No other `%` appears in any text, so none needs doubling.
 * One line each. Every question is answered from an index, whatever the size of the tables.
 */
import {
  accountExists,
  type Address,
  aliasExists,
  catchAllExists,
  deliveryChain,
  finalAt,
  isAscii,
  isAtom,
  isDirectoryName,
  isOurs,
  onTheWay,
  ownerChain,
  postmasterChain,
  RECEIVES,
  withoutTag,
} from './chain.ts';
import { isWithin } from './networks.ts';
import { isRoleIn, oneOf, type Responsible, ROLES } from './roles.ts';

/** Placeholders for the parts of the address that is looked up; `address` is the whole key, with the `@`. */
export interface Placeholders {
  readonly local: string;
  readonly domain: string;
  readonly address: string;
  /** The protocol that asks for a login, `smtp` for Postfix' SASL. */
  readonly service: string;
  /** The address that a login comes from. */
  readonly client: string;
  /** A hash of the password, of which the database keeps a few bits that nobody else can compute. */
  readonly digest: string;
  /** What `login` answered as `seen`, of the login that goes on; empty for all else that asks where mail lies. */
  readonly seen: string;
}

type Needs<K extends keyof Placeholders> = Pick<Placeholders, K>;

const quoted = (placeholder: string): string => `'${placeholder}'`;

/** The one-line form that any configuration syntax can hold. */
const line = (...parts: readonly string[]): string => parts.join(' ');

/** An account that can have a mailbox; by plain SQL there may be others, which nobody can log in to or write to. */
const addressed = ({ local, domain }: Needs<'local' | 'domain'>): string => {
  const [user, host] = [quoted(local), quoted(domain)];
  return `username = ${user} AND domain = ${host} AND ${isAscii(user, host)} AND ${isDirectoryName(user, host)} AND ${isAtom(user)}`;
};

/** virtual_mailbox_domains: the domain itself if it is ours. */
const domains = ({ address }: Needs<'address'>): string =>
  line(`SELECT domain FROM domains_v1 WHERE domain = ${quoted(address)} AND ${isAscii(quoted(address))}`);

/** virtual_mailbox_maps: accounts that receive. Postfix itself asks again without the tag. */
const recipients = (at: Needs<'local' | 'domain'>): string => line(`SELECT address FROM accounts_v1 WHERE ${addressed(at)} AND receives = 1`);

/** A key of Postfix split at its last `@`; the key `@domain` has an empty local part. */
const split = (key: string): Address => ({
  local: `LEFT(${key}, CHAR_LENGTH(${key}) - CHAR_LENGTH(SUBSTRING_INDEX(${key}, '@', -1)) - 1)`,
  domain: `SUBSTRING_INDEX(${key}, '@', -1)`,
});

/**
 * virtual_alias_maps, first half of a pipemap: the key itself if `aliases` has an answer for it. Most keys are no alias, and this costs a
 * fifth of the whole question. Where a domain has a catch-all, its accounts pass, too, whatever their state: they beat it; one with a `+` in its name, which
 * has no mail, does not beat the alias that this is a tag of.
 */
const aliasGate = ({ address }: Needs<'address'>): string => {
  const key = quoted(address);
  const own = split(key);
  const has = [
    `LEFT(${key}, 1) = '@' AND ${catchAllExists(own.domain)}`,
    aliasExists(own),
    `(${accountExists(own)} AND ${catchAllExists(own.domain)} AND NOT ${aliasExists({ ...own, local: withoutTag(own.local) })})`,
  ];
  return line(`SELECT ${key} FROM DUAL WHERE ${isAscii(key)} AND (${has.join(' OR ')})`);
};

/**
 * virtual_alias_maps, second half: where the aliases of exactly this address, or for the key `@domain` the catch-all, lead in the end.
 * Nothing if nobody there receives; but in a domain with a catch-all then the address itself, so that it goes no further. To Postfix that
 * makes a recipient valid: `recipientAccess` must stand beside it.
 */
const aliases = ({ address }: Needs<'address'>, responsible: Responsible): string => {
  const key = quoted(address);
  const { local, domain } = split(key);
  const own = `source_username <=> NULLIF(${local}, '') AND source_domain = ${domain} AND ${isAscii(key)}`;
  return line(
    `WITH RECURSIVE ${deliveryChain(own, responsible)}, ${finalAt(responsible.hostname)}`,
    `SELECT IFNULL(final.address, LOWER(${key})) FROM (SELECT 1) one LEFT JOIN final ON TRUE`,
    `WHERE final.address IS NOT NULL OR (${local} <> '' AND ${catchAllExists(domain)})`,
  );
};

/**
 * virtual_alias_maps, after `aliases`, first half of a pipemap: the key itself if it is a role name of a domain of ours, or of the host, and
 * neither an account nor an enabled alias has the name. Roles beat a catch-all, since Postfix asks all maps for the whole address first.
 */
const roleGate = ({ local, domain, address }: Needs<'local' | 'domain' | 'address'>, responsible: Responsible): string => {
  const at = { local: quoted(local), domain: quoted(domain) };
  return line(
    `SELECT ${quoted(address)} FROM DUAL WHERE ${isRoleIn(at.local, at.domain, responsible)}`,
    `AND (${at.domain} = ${quoted(responsible.hostname)} OR ${isOurs(at.domain)})`,
    `AND ${isAscii(quoted(address))} AND NOT ${accountExists(at)} AND NOT ${aliasExists(at)}`,
  );
};

/** `final` of the postmaster's mail. */
const restingPlaces = (responsible: Responsible): string => `WITH RECURSIVE ${postmasterChain(responsible)}, ${finalAt(responsible.hostname)}`;

/** Second half, for whatever the gate lets through: where the postmaster's mail comes to rest; nothing where nobody receives it. */
const roles = (responsible: Responsible): string => line(restingPlaces(responsible), 'SELECT address FROM final');

/**
 * check_recipient_access among the relay restrictions, for a recipient that smtpd takes for somebody else's: OK if he is ours by now and has a name
 * here. smtpd remembers the kind of domain as long as its process lives. Who receives nothing is refused by `recipientAccess`.
 */
const ownRecipients = ({ local, domain }: Needs<'local' | 'domain'>, responsible: Responsible): string => {
  const at = { local: quoted(local), domain: quoted(domain) };
  const named = [accountExists(at), aliasExists(at), catchAllExists(at.domain), `(${oneOf(at.local, ROLES)} AND EXISTS (SELECT 1 FROM final))`];
  return line(
    restingPlaces(responsible),
    `SELECT 'OK' FROM domains_v1 ours WHERE ours.domain = ${at.domain} AND ${isAscii(at.local, at.domain)} AND (${named.join(' OR ')})`,
  );
};

/** `final` of the aliases of exactly this address; nothing where there are none. */
const aliasPlaces = ({ local, domain }: Address, responsible: Responsible): string => {
  const own = `source_username = ${local} AND source_domain = ${domain} AND ${isAscii(local, domain)}`;
  return `WITH RECURSIVE ${deliveryChain(own, responsible)}, ${finalAt(responsible.hostname)}`;
};

/**
 * virtual_alias_maps of mail that began on this machine, before `aliases`, in a pipemap between `recipientGate` and `roles`: the key itself if somebody
 * sends as that name and nobody receives there; his notices somebody is to read. That is a send-only account, or an alias that leads to nobody but may be
 * sent as.
 */
const sendOnly = ({ local, domain, address }: Needs<'local' | 'domain' | 'address'>, responsible: Responsible): string => {
  const at = { local: quoted(local), domain: quoted(domain) };
  return line(
    aliasPlaces(at, responsible),
    `SELECT ${quoted(address)} FROM DUAL WHERE ${isAscii(quoted(address))}`,
    `AND IF(${aliasExists(at)}, NOT EXISTS (SELECT 1 FROM final) AND (${accountExists(at, 'enabled = 1')} OR ${onTheWay('enabled = 1')}),`,
    `${accountExists(at, 'send_only = 1')})`,
  );
};

/**
 * transport_maps, after a map that knows the postmaster's address only: `transport` where nobody receives the postmaster's mail. What this
 * machine itself has to say cannot be refused; so it waits.
 */
const strandedPostmaster = (responsible: Responsible, transport: string): string =>
  line(restingPlaces(responsible), `SELECT ${quoted(transport)} FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM final)`);

/** check_recipient_access, first half of a pipemap: the key itself if `recipientAccess` has to look closer, or `sendOnly`. */
const recipientGate = ({ local, domain, address }: Needs<'local' | 'domain' | 'address'>): string => {
  const at = { local: quoted(local), domain: quoted(domain) };
  return line(
    `SELECT ${quoted(address)} FROM DUAL WHERE ${isAscii(quoted(address))} AND (${aliasExists(at)} OR ${accountExists(at, `NOT (${RECEIVES})`)})`,
  );
};

/**
 * check_recipient_access, second half: refuses accounts and aliases that exist and receive nothing, with the reason. An alias is let in: what comes
 * next are checks that it passes, and that of the quota, which would be asked of the account behind it if one has its name. Where that account keeps
 * a copy, it is to be asked. Says nothing about addresses that do not exist. To be used on every port that takes mail.
 */
const recipientAccess = ({ local, domain }: Needs<'local' | 'domain'>, responsible: Responsible): string => {
  const at = { local: quoted(local), domain: quoted(domain) };
  const untagged = { ...at, local: withoutTag(at.local) };
  return line(
    aliasPlaces(at, responsible),
    `SELECT CASE (SELECT MAX(IF(final.address = CONCAT(${at.local}, '@', ${at.domain}), 2, 1)) FROM final) WHEN 1 THEN 'OK' WHEN 2 THEN 'DUNNO' ELSE CASE`,
    `WHEN ${aliasExists(at)} THEN '550 5.1.1 This address leads to nobody who receives mail'`,
    `WHEN ${accountExists(at, 'enabled = 0')} THEN '550 5.2.1 This mailbox is disabled'`,
    `WHEN ${accountExists(at, 'send_only = 1')} THEN '550 5.7.1 This address sends mail and receives none'`,
    `WHEN ${accountExists(at)} AND NOT ${accountExists(untagged, RECEIVES)} AND NOT ${aliasExists(untagged)} THEN '550 5.1.1 No mailbox can have this name'`,
    `ELSE 'DUNNO' END END AS action`,
  );
};

/** smtpd_sender_login_maps: the logins that may use this envelope sender, tag or not. */
const senders = ({ local, domain }: Needs<'local' | 'domain'>): string => {
  const [user, host] = [quoted(local), quoted(domain)];
  const own = `source_username IN (${user}, ${withoutTag(user)}) AND source_domain = ${host} AND ${isAscii(user, host)}`;
  return line(
    `WITH RECURSIVE ${ownerChain(own)}`,
    `SELECT address FROM accounts_v1 WHERE username IN (${user}, ${withoutTag(user)}) AND domain = ${host} AND ${isAscii(user, host)} AND enabled = 1`,
    'UNION SELECT account.address FROM chain JOIN accounts_v1 account',
    `ON account.username = ${withoutTag('chain.username')} AND account.domain = chain.domain AND account.enabled = 1`,
  );
};

/**
 * check_sasl_access, asked at each recipient: refuses the login of an open session whose account has been disabled or is gone. Also where the
 * sender is empty, of which Postfix never asks whose it is.
 */
const loginAccess = ({ address }: Needs<'address'>): string => {
  const at = split(quoted(address));
  return line(`SELECT '550 5.7.1 This account is disabled or gone' FROM DUAL WHERE NOT ${accountExists(at, 'enabled = 1')}`);
};

/** smtp_tls_policy_maps: policy and its parameters. */
const tlsPolicy = ({ address }: Needs<'address'>): string =>
  line(`SELECT CONCAT_WS(' ', policy, params) FROM tls_policies_v1 WHERE domain = ${quoted(address)} AND ${isAscii(quoted(address))}`);

/**
 * For Dovecot: an error, which it takes for "later", where the name is empty. 2.3 asks with empty names in the place of all that it should have
 * escaped if the database went away just then, and would take the answer for "no such user" (docs/dovecot.md).
 */
const named = ({ local }: Needs<'local'>): string => `IF(${quoted(local)} = '', (SELECT 1 UNION SELECT 2), TRUE)`;

/** Tells a hash of a password from another one, and nothing of either. */
const mark = (password: string): string => `LEFT(SHA2(${password}, 256), 16)`;

/**
 * Dovecot's passdb: enabled accounts; send-only ones for submission alone. Anyone else is unknown, which is told apart from a wrong password by nobody.
 * `seen` says which password the login is checked against.
 */
const login = (at: Needs<'local' | 'domain' | 'service'>): string =>
  line(
    `SELECT address AS user, password, ${mark('password')} AS seen FROM logins_v1`,
    `WHERE ${addressed(at)} AND ${named(at)} AND (submission_only = 0 OR ${quoted(at.service)} = 'smtp')`,
  );

/** How many wrong passwords are borne. */
export interface LoginLimits {
  readonly failuresPerClient: number;
  readonly failuresPerAccount: number;
  readonly periodHours: number;
  readonly neverLimited: readonly string[];
}

const loginOf = ({ client, local, domain }: Needs<'client' | 'local' | 'domain'>): string => [client, local, domain].map(quoted).join(', ');
const HOUR_S = 3600;

/** How often the same wrong password of a client for an account is checked within an hour. No program asks so often; each time costs a hash. */
const SAME_PER_HOUR = 200;

/** Dovecot's passdb with `deny`: a row if this login is not to be tried. */
const loginRefused = (at: Needs<'client' | 'local' | 'domain' | 'digest'>, limits: LoginLimits): string => {
  const perClient = `IF(${isWithin(quoted(at.client), limits.neverLimited)}, 0, ${limits.failuresPerClient})`;
  const counts = `${perClient}, ${limits.failuresPerAccount}, ${SAME_PER_HOUR}, ${limits.periodHours * HOUR_S}`;
  return line(`SELECT NULL AS password, 'Y' AS nopassword FROM DUAL WHERE login_refused_v3(${loginOf(at)}, ${quoted(at.digest)}, ${counts}) = 1`);
};

/** Takes a failed login down; never a row. */
const loginFailed = (at: Needs<'client' | 'local' | 'domain' | 'digest'>, { periodHours }: Pick<LoginLimits, 'periodHours'>): string =>
  line(`SELECT NULL AS password FROM DUAL WHERE login_failed_v2(${loginOf(at)}, ${quoted(at.digest)}, ${periodHours * HOUR_S}) = 1`);

/** Takes a login down that was let in; never a row. */
const loginSucceeded = (at: Needs<'client' | 'local' | 'domain'>): string =>
  line(`SELECT NULL AS password FROM DUAL WHERE login_succeeded_v1(${loginOf(at)}) = 1`);

/** How a Dovecot spells a quota of so many MB; both skip a field that is NULL, and the configured default then counts. */
const QUOTA = {
  /** 2.3 */
  rule: "CONCAT('*:storage=', quota_mb, 'M') AS quota_rule",
  /** 2.4 */
  size: "CONCAT(quota_mb, 'M') AS quota_storage_size",
} as const;

/** Whether the login may still be: a hash takes a while to be checked, and meanwhile there may be another, or the account is disabled. */
const stillSo = ({ local, domain, seen }: Needs<'local' | 'domain' | 'seen'>): string =>
  line(
    `(${quoted(seen)} = '' OR EXISTS (SELECT 1 FROM logins_v1 login WHERE login.username = ${quoted(local)} AND login.domain = ${quoted(domain)}`,
    `AND login.submission_only = 0 AND ${mark('login.password')} = ${quoted(seen)}))`,
  );

/**
 * Dovecot's userdb: home below `root` and quota. Disabled and send-only accounts are in it: mail that was accepted is still delivered. Of a login it is
 * asked once the password was right, so that is the moment that counts.
 */
const mailbox = (at: Needs<'local' | 'domain' | 'seen'>, root: string, quota: keyof typeof QUOTA): string =>
  line(
    `SELECT CONCAT('${root}/', LOWER(domain), '/', LOWER(username)) AS home, ${QUOTA[quota]} FROM mailboxes_v1`,
    `WHERE ${addressed(at)} AND ${named(at)} AND ${stillSo(at)}`,
  );

/** Dovecot's userdb iteration: everyone who has a mailbox. */
const everyMailbox = (): string => line('SELECT address AS user FROM mailboxes_v1');

export const lookups = {
  domains,
  recipients,
  aliasGate,
  aliases,
  roleGate,
  roles,
  sendOnly,
  strandedPostmaster,
  ownRecipients,
  recipientGate,
  recipientAccess,
  senders,
  loginAccess,
  tlsPolicy,
  login,
  loginRefused,
  loginFailed,
  loginSucceeded,
  mailbox,
  everyMailbox,
};
