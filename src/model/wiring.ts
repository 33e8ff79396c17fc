/**
 * Where daemons meet: sockets, listeners, principals, places. Computed once, before anything is rendered;
 * renderers, status, probes and tests read it, so that no service needs to know another.
 */
import type { AbsPath } from '#base';
import type { PlaceName, ServiceName, SocketName } from './names.ts';

/** A port on the network. The set of these is the whole attack surface and is tested as such. */
export interface Listener {
  readonly service: ServiceName;
  /** The field's name of the protocol: `smtp`, `submissions`, `submission`, `imap`, `imaps`, `sieve`, `http`, `https`, `dns`, `rspamd-ui`. */
  readonly name: string;
  readonly transport: 'tcp' | 'udp';
  /** An IP address of this machine, or `0.0.0.0` / `::` for all. */
  readonly address: string;
  readonly port: number;
}

/** A Unix socket made by `server`; owner, group and mode are what the file has. */
export interface Socket {
  readonly server: ServiceName;
  readonly path: AbsPath;
  readonly owner: string;
  readonly group: string;
  readonly mode: number;
}

/** An account of the database that the kernel vouches for: MariaDB's `unix_socket` lets the OS user of that name in. */
export interface Principal {
  readonly name: string;
  readonly service: ServiceName;
}

export interface Wiring {
  readonly listeners: readonly Listener[];
  readonly sockets: Readonly<Record<SocketName, Socket>>;
  readonly principals: readonly Principal[];
  readonly places: Readonly<Record<PlaceName, AbsPath>>;
  /** Where the machine's own programs ask for names. */
  readonly resolver: { readonly address: string; readonly port: number };
}
