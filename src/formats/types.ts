/**
 * What a renderer hands to a serializer: rows that carry their reason, plain data without any syntax.
 * `why` becomes the comment above the line; `from` and `until` are versions of the daemon (`from` inclusive, `until` exclusive).
 *
 * A string is literal text: the serializer quotes it, and protects it from the daemon's own expansion (`$name`, `%u`).
 * What the daemon shall fill in is said with `ref`, alone or within a `template`. `verbatim` is for the few settings that a
 * daemon does not expand, so that a `%` or `$` there must not be doubled; the syntax around it is still protected.
 */
import type { SecretRef } from '#base';
import { bug } from '#base';

export type Scalar = string | number | boolean | SecretRef;

/** A name that the daemon replaces by a value: `$myhostname` (Postfix), `%{user}` or `%u` (Dovecot, maps), `$host` (nginx), `${DBDIR}` (Rspamd). */
export interface Ref {
  readonly ref: string;
}

/** A Dovecot setting's value so far, `$mail_plugins` in 2.3 and `$SET:mail_plugins` in 2.4. Elsewhere it is refused. */
export interface SettingRef {
  readonly setting: string;
}

/** Dovecot's `</path`: the file's content becomes the value. Elsewhere it is refused. */
export interface ContentsOf {
  readonly contentsOf: string;
}

/** Literal pieces, secrets, and names that the daemon fills in, in order. */
export interface Template {
  readonly template: readonly (string | SecretRef | Ref)[];
}

/** Text of a setting that the daemon does not expand. */
export interface Verbatim {
  readonly verbatim: string;
}

/** One value without list syntax. */
export type Word = Scalar | Ref | SettingRef | ContentsOf | Template | Verbatim;

/** The same key on several lines; an inner list is several arguments on one line (nginx, redis, systemd's command lines). */
export interface Lines {
  readonly lines: readonly (Word | readonly Word[])[];
}

export interface Validity {
  readonly why?: string;
  /** First version of the daemon that has it, e.g. `3.9`. */
  readonly from?: string;
  /** First version of the daemon that no longer has it. */
  readonly until?: string;
}

/**
 * `set` a parameter `to` a value; a list is written in the format's own list syntax, in order: comma separated (Postfix),
 * blank separated (Dovecot), `[...]` (UCL), arguments of one directive (nginx, redis), one line each (unbound, ini).
 */
export interface Row extends Validity {
  readonly set: string;
  readonly to: Word | readonly Word[] | Lines;
}

/** A section, with an optional name or argument: `service lmtp { ... }`, `server { ... }`, `[mysqld]`. */
export interface Block extends Validity {
  readonly block: string;
  readonly name?: string;
  readonly rows: readonly Node[];
}

export type Node = Row | Block;

export const ref = (name: string): Ref => ({ ref: name });
export const setting = (name: string): SettingRef => ({ setting: name });
export const contentsOf = (path: string): ContentsOf => ({ contentsOf: path });
export const verbatim = (text: string): Verbatim => ({ verbatim: text });
export const lines = (...of: readonly (Word | readonly Word[])[]): Lines => ({ lines: of });

/** template`${ref('data_directory')}/cache`: the pieces between are literal, and so are strings that are filled in. */
export const template = (literals: TemplateStringsArray, ...values: readonly (string | number | SecretRef | Ref)[]): Template => ({
  template: literals.flatMap((_, index) => {
    const literal = literals[index];
    if (literal === undefined) throw bug('template literal with a wrong escape');
    const value = values[index];
    const pieces: (string | SecretRef | Ref)[] = literal === '' ? [] : [literal];
    if (value !== undefined) pieces.push(typeof value === 'number' ? String(value) : value);
    return pieces;
  }),
});

export const isRow = (node: Node): node is Row => 'set' in node;
export const isLines = (to: Row['to']): to is Lines => typeof to === 'object' && 'lines' in to;
export const isList = (to: Row['to']): to is readonly Word[] => Array.isArray(to);
