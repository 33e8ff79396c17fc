/**
 * What a subject (auth, storage, quota, ...) says about Dovecot: rows, sorted by where Dovecot wants them. A setting that has another
 * name in the other release is two rows with `from` and `until`; what is spelled otherwise everywhere (variables) is in the dialect.
 */
import type { Node, Ref, Row } from '#formats';
import type { RenderInput } from '#model';

export type ProtocolName = 'imap' | 'lmtp';
/** Whose mail plugins: those of every process, or the further ones of a protocol. */
export type PluginScope = 'all' | ProtocolName;

export interface Slice {
  /** For the top of dovecot.conf. */
  readonly rows?: readonly Node[];
  /** Settings that plugins own: 2.3 keeps them in `plugin { }` and does not check their names, 2.4 has them among all others. */
  readonly plugin?: readonly Row[];
  readonly mailPlugins?: Partial<Record<PluginScope, readonly string[]>>;
  readonly protocols?: Partial<Record<ProtocolName, readonly Node[]>>;
}

/** Names that Dovecot fills in. All of the user are in lower case, so that IMAP and delivery compute one path (D3, M6). */
export interface Variables {
  readonly login: Ref;
  readonly local: Ref;
  readonly domain: Ref;
  /** The protocol that asks for a login: `imap`, `sieve`, or `smtp` for Postfix. */
  readonly service: Ref;
  /** `TLS`, `secured` (loopback, or said so by the client of the socket), or empty. */
  readonly secured: Ref;
  /** The address that the login comes from. */
  readonly client: Ref;
  /** MD5 of the password, in hexadecimal: for the database, which keeps a few bits of another hash of it. */
  readonly digest: Ref;
  /** `seen` of the passdb; empty where nobody logs in. */
  readonly seen: Ref;
}

export interface Dialect {
  readonly variables: Variables;
  /** How a variable is written where no serializer does it: in the SQL of `#directory`. */
  written(variable: Ref): string;
  /** The userdb field that carries an account's quota, as `lookups.mailbox` names it. */
  readonly quota: 'rule' | 'size';
  /** The settings of plugins, as nodes of the top. */
  plugin(rows: readonly Row[]): readonly Node[];
}

export type Subject = (input: RenderInput, dialect: Dialect) => Slice;
