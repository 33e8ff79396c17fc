/**
 * What a renderer hands to a serializer: rows that carry their reason, plain data without any syntax.
 * `why` becomes the comment above the line; `from` and `until` are versions of the daemon (`from` inclusive, `until` exclusive).
 */
import type { SecretRef } from '#base';

export type Scalar = string | number | boolean | SecretRef;

export interface Validity {
  readonly why?: string;
  /** First version of the daemon that has it, e.g. `3.9`. */
  readonly from?: string;
  /** First version of the daemon that no longer has it. */
  readonly until?: string;
}

/** `set` a parameter `to` a value; a list is written in the format's own list syntax, in order. */
export interface Row extends Validity {
  readonly set: string;
  readonly to: Scalar | readonly Scalar[];
}

/** A section, with an optional name or argument: `service lmtp { ... }`, `server { ... }`, `[mysqld]`. */
export interface Block extends Validity {
  readonly block: string;
  readonly name?: string;
  readonly rows: readonly Node[];
}

export type Node = Row | Block;
