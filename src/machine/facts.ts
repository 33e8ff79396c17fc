/** What this machine is. Probed once before rendering; nothing here is a wish. */
import type { AbsPath } from '#base';

export type Codename = 'bookworm' | 'trixie';

export interface Facts {
  readonly codename: Codename;
  readonly architecture: 'amd64' | 'arm64';
  /** Who starts daemons: systemd when it is PID 1, else runit. */
  readonly init: 'systemd' | 'runit';
  /** Both within the limits of a container; memory in steps (memory.ts). */
  readonly cores: number;
  readonly memoryMb: number;
  /** Global (not loopback, not link-local) addresses of the machine's interfaces. */
  readonly addresses: { readonly v4: readonly string[]; readonly v6: readonly string[] };
  /** `::1` can be bound. */
  readonly ipv6: boolean;
  /** `nameserver` lines of /etc/resolv.conf that are not ours, and whether all of them pass DNSSEC records on; null: no answer so far. */
  readonly resolvers: readonly string[];
  readonly resolversCarryDnssec: boolean | null;
  /** Upstream versions, installed or else what the package source offers: `3.7.11`, `2.3.19`, `1.17.1`. */
  readonly versions: Readonly<Record<'unbound' | 'mariadb' | 'redis' | 'rspamd' | 'dovecot' | 'postfix' | 'nginx', string>>;
  /** DKIM keys that lie on this machine and whose records must be visible. */
  readonly dkimKeys: readonly {
    readonly domain: string;
    readonly selector: string;
    /** base64 of the SubjectPublicKeyInfo. */
    readonly publicKey: string;
    /** Rspamd's copy; of a pending key there is none yet. */
    readonly path: AbsPath;
    readonly state: 'pending' | 'active' | 'retiring';
    /** In this state, as ISO 8601; null: it has been active from the beginning. */
    readonly since: string | null;
  }[];
}
