/** Who starts, stops and watches daemons. Two kinds, both real: systemd with Debian's units, runit with run scripts of ours. */

export interface UnitState {
  /** `starting`: on its way, or about to be, by somebody else's will, such as the boot's. */
  readonly state: 'running' | 'starting' | 'stopped' | 'failed';
  readonly pid?: number;
  /** As the wall clock was then. */
  readonly since?: Date;
}

/** A daemon as its manager knows it. */
export interface Supervised {
  /** Our name of it; the directory below the run scripts. */
  readonly name: string;
  /** Debian's systemd unit. */
  readonly systemd: string;
  /** Its unit in the Debian release before, which an upgrade leaves running. */
  readonly formerly?: string;
  /** The command that makes it take a new configuration under runit; empty: it is restarted. */
  readonly reload: readonly string[];
}

/** A unit as it was before we came, for putting that back. */
export interface Standing {
  readonly unit: string;
  readonly active: boolean;
  /** Starts at boot. */
  readonly enabled: boolean;
}

export interface Init {
  readonly kind: 'systemd' | 'runit';
  /** Takes changed unit files or run scripts into account. */
  refresh(): Promise<void>;
  /** They start at boot (systemd); runit starts what `up` starts. */
  enable(units: readonly Supervised[]): Promise<void>;
  start(unit: Supervised): Promise<void>;
  stop(unit: Supervised): Promise<void>;
  restart(unit: Supervised): Promise<void>;
  reload(unit: Supervised): Promise<void>;
  /** In the order of `units`, by one question. */
  states(units: readonly Supervised[]): Promise<readonly UnitState[]>;
  state(unit: Supervised): Promise<UnitState>;
  /** In the order of `units`; a unit that does not exist neither runs nor starts at boot. Empty where nobody supervised anything before us. */
  standing(units: readonly Supervised[]): Promise<readonly Standing[]>;
  /** Starts and enables those that were, disables those that were not, in order. Stopping is not its business. */
  putBack(standing: readonly Standing[]): Promise<void>;
  /** Whoever keeps the logs takes their changed configuration into account; no line is lost. */
  reloadLogs(units: readonly Supervised[]): Promise<void>;
  /** The last lines that the daemon wrote since then, for the message when it does not start. */
  lastWords(unit: Supervised, since: Date): Promise<string>;
}
