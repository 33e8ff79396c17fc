/** A daemon, as the apply room sees it. Each service folder exports one; none imports another. */
import type { AbsPath } from '#base';
import type { Finding, Place, Probe } from './probe.ts';
import type { Facts } from '#machine';
import type { Settings } from '#config';
import type { Item } from './manifest.ts';
import type { ServiceName } from './names.ts';
import type { Wiring } from './wiring.ts';

/** All that rendering may depend on. Rendering is pure: no clock, no randomness, no disk, no process. */
export interface RenderInput {
  readonly settings: Settings;
  readonly facts: Facts;
  readonly wiring: Wiring;
  /** What the operator wrote into files that settings name, by path. */
  readonly texts: Readonly<Record<string, string>>;
}

/** A private view of the machine in which staged files stand at their final paths. */
export interface CheckRoom {
  /** Runs a program of the machine inside the view; never throws for a non-zero status. */
  run(
    argv: readonly string[],
    options?: { readonly input?: string; readonly ms?: number },
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
}

/** For what is done once all daemons answer. */
export interface Hands extends CheckRoom {
  now(): Date;
  pause(ms: number): Promise<void>;
}

/** The text of a file, empty where there is none. */
export type ReadText = (file: string) => Promise<string>;

export interface Unit {
  /** Debian's systemd unit of this release, e.g. `postfix@-.service`. */
  readonly systemd: string;
  /** Debian's unit of the release before, where that was another one: it runs on through an upgrade, and has to end first. */
  readonly formerly?: string;
  /** Lines of the drop-in `hauspost.conf` besides the order of starting. */
  readonly dropIn?: readonly { readonly section: string; readonly set: string; readonly to: string }[];
  /** Files that the daemon sees in place of the machine's own, in a mount namespace of its own. */
  readonly binds?: readonly { readonly from: AbsPath; readonly to: AbsPath }[];
  /** The daemon in the foreground, logging to standard output or error, for runit. */
  readonly foreground: readonly string[];
  /** Commands that must succeed before `foreground` (directories below /run, keys that Debian's unit makes). */
  readonly prepare: readonly (readonly string[])[];
  /** Processes outlive the main one, and have to end with it: systemd sees to that by itself, runit does not. */
  readonly leavesProcesses?: true;
  /** How a running daemon takes a new configuration under runit; systemd's unit knows by itself. Empty: it has to be restarted. */
  readonly reload: readonly string[];
}

/** What a daemon's first start takes long for, and somebody may do before. */
export interface Ahead {
  /** Once this Debian package is set up, while others are. */
  readonly package: string;
  /** There for as long as it takes, and for everybody to read. */
  readonly files: readonly { readonly path: AbsPath; readonly text: string }[];
  /** Ends by itself. What it makes is a cache: where it fails, the daemon does it. */
  readonly argv: readonly string[];
}

export interface Service {
  readonly name: ServiceName;
  /** Debian packages, by release where they differ. */
  packages(input: Pick<RenderInput, 'facts' | 'settings'>): readonly string[];
  /** What the packages would ask at a terminal when they are installed or updated, answered beforehand: lines of debconf-set-selections(1). */
  readonly answers?: readonly string[];
  readonly ahead?: Ahead;
  unit(input: Pick<RenderInput, 'facts'>): Unit;
  items(input: RenderInput): readonly Item[];
  /** Compares what was rendered with what the daemon itself says it understood. Empty: it understood all of it. */
  check(room: CheckRoom, input: RenderInput): Promise<readonly Finding[]>;
  /** Where in its files that is of which the daemon's own words complain, if they tell. */
  placeIn?(words: string, read: ReadText): Promise<Place | undefined>;
  probes(input: RenderInput): readonly Probe[];
  /** Does at once what it put off as long as others were away; called once all answer, with those that were woken and since when they answer. What was done, if anything. */
  catchUp?(hands: Hands, input: RenderInput, woken: ReadonlyMap<ServiceName, Date>): Promise<string | undefined>;
}
