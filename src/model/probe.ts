/** One kind of "is it well?": a probe runs from a vantage and returns findings. No finding of level `error` means it is well. */

/** Where a daemon's configuration holds what is spoken of. */
export interface Place {
  /** Its final path. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The last line of the same setting: a value may go on over several. */
  readonly through: number;
}

export interface Finding {
  readonly level: 'error' | 'warning';
  /** Stable, dotted: `unbound.no-answer`. */
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** Of the check before an apply: the line that the daemon does not understand, where that is known. */
  readonly place?: Place;
  /** Of the same: what the operator wrote is wrong, not what we made of it. */
  readonly blame?: 'operator';
  /** Of the check before an apply: that what the daemon understood is not what this version renders. Of another version's files it says nothing. */
  readonly ofRendering?: true;
}

/** From where a probe looks. Tests inject their own. */
export interface Vantage {
  /** Opens a TCP connection or a Unix socket (a path), says `send`, and answers with what came back within `ms`. Rejects when nothing listens. */
  talk(target: { readonly host: string; readonly port: number } | { readonly socket: string }, dialogue: Dialogue): Promise<string>;
  now(): Date;
}

export interface Dialogue {
  /** Written after the connection opened. */
  readonly send?: string | Uint8Array;
  /** Reading stops when the answer satisfies this. */
  readonly until: (answer: string) => boolean;
  readonly ms: number;
}

export interface Probe {
  readonly name: string;
  /** How long the condition may take to become true after a start, in ms. */
  readonly within: number;
  run(vantage: Vantage): Promise<readonly Finding[]>;
}
