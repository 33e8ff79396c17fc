/** The configuration with every `auto` resolved: what renderers read. */
import type { AbsPath, Fqdn, MailAddress, Megabytes } from '#base';

export interface Settings {
  /** `local`: mail ports on loopback only, own CA, the host's resolver left alone. `public`: the real thing. */
  readonly profile: 'local' | 'public';
  readonly hostname: Fqdn;
  /** Who gets what the server has to say. */
  readonly postmaster: MailAddress;
  readonly network: {
    /** Addresses the mail and web ports are bound to; `0.0.0.0` and `::` for all. */
    readonly bind: readonly string[];
  };
  readonly tls: {
    /** `own-ca`: Hauspost's own authority signs. `files`: the operator's key and chain. */
    readonly source: 'own-ca' | 'files';
    /** Set for `files` only. */
    readonly key?: AbsPath;
    readonly chain?: AbsPath;
  };
  readonly resolver: {
    /** `recursive`: asks the root. `forward`: asks `forwarders`. */
    readonly mode: 'recursive' | 'forward';
    readonly forwarders: readonly string[];
    readonly validate: boolean;
  };
  readonly mail: {
    readonly messageSizeLimit: Megabytes;
    /** For accounts whose quota is NULL; 0 is unlimited. */
    readonly defaultQuota: Megabytes;
    readonly queueLifetimeHours: number;
    readonly bounceLifetimeHours: number;
  };
  readonly logs: { readonly retentionDays: number };
  readonly webUi: { readonly enabled: boolean };
}
