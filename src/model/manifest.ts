/** What a generation consists of. Paths are absolute on the machine; text may hold references to secrets. */
import type { AbsPath, Text } from '#base';
import type { ServiceName } from './names.ts';

/** What a change of the item asks of a daemon, or of whoever keeps its log. `restart` wins over `reload`. */
export interface Wake {
  readonly service: ServiceName | 'logs';
  readonly by: 'reload' | 'restart';
}

export interface Ownership {
  /** `user:group`, by name. */
  readonly owner: string;
  readonly mode: number;
}

export type Item =
  | ({ readonly kind: 'file'; readonly path: AbsPath; readonly text: Text; readonly wakes: readonly Wake[] } & Ownership)
  /**
   * `exclusive`: what is in it and not in the manifest is removed (kept in generation 0). `wakes`: who reads all that lies in it, or has sockets
   * there that go with it.
   */
  | ({ readonly kind: 'dir'; readonly path: AbsPath; readonly exclusive: boolean; readonly wakes?: readonly Wake[] } & Ownership)
  /**
   * Made by `argv` from another item (`sievec`); made again when `from` or `argv` changes, and by each version of the Debian package that
   * brings the program, since its format may be another: `record` holds the version that made all of the package's files last.
   */
  | ({
      readonly kind: 'derived';
      readonly path: AbsPath;
      readonly from: AbsPath;
      readonly argv: readonly string[];
      readonly package: string;
      readonly record: AbsPath;
      readonly wakes: readonly Wake[];
    } & Ownership)
  | { readonly kind: 'absent'; readonly path: AbsPath; readonly wakes: readonly Wake[] }
  /** A database account `principal` may SELECT from the view `on`, or call the function of that name. */
  | { readonly kind: 'grant'; readonly principal: string; readonly on: string };

/** In the order in which they are put in place: directories first, then files, then what is made from them. A new kind needs a new FORMAT (store.ts). */
export const ITEM_KINDS: readonly Item['kind'][] = ['absent', 'dir', 'file', 'derived', 'grant'];

export interface Manifest {
  readonly items: readonly Item[];
}
