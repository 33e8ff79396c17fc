/**
 * The only hands that touch the machine: programs, files, users, the clock, messages to name servers. An interface, so that a test can stand
 * between (to count effects, or to end the process before one) while the effects stay real.
 */
import type { AbsPath } from '#base';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  /** Added to the fixed environment (PATH, LC_ALL=C, HOME). */
  readonly env?: Readonly<Record<string, string>>;
  /** Time limit; default 60 s. A program that exceeds it is killed and the call rejects. */
  readonly ms?: number;
  /** Called with each line of both outputs as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface FileState {
  readonly kind: 'file' | 'dir' | 'link' | 'other';
  /** `user:group`, numeric where no name exists. */
  readonly owner: string;
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  /** Of the content. */
  readonly modified: Date;
}

/** Where a file lies, or would lie. */
export interface FileSystem {
  readonly mount: AbsPath;
  /** The same for two paths on one file system, also where it is mounted twice (stat(2), st_dev). */
  readonly device: number;
  /** In octets; `free` is what daemons may take, root may have a little more. */
  readonly size: number;
  readonly free: number;
  /** How many more it can hold; infinite where it has no limit. */
  readonly files: number;
  readonly writable: boolean;
}

export interface Placement {
  readonly owner: string;
  readonly mode: number;
}

/** A program that lives as long as we want it. */
export interface Held extends AsyncDisposable {
  readonly pid: number;
}

/** A server that messages go to, and for how long it is waited for. */
export interface Correspondent {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** For an answer to one try. */
  readonly ms: number;
  readonly tries: number;
}

/** What touches files rejects with `disk.full`, `disk.read-only`, `disk.quota` or `disk.broken` (exit 4) where the file system takes nothing more. */
export interface Machine {
  /** Runs to the end. Resolves for any exit status; rejects when the program is missing or exceeds its time. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Starts a program in a session of its own that outlives us; answers with its process id. */
  detach(argv: readonly string[]): Promise<number>;
  /** Starts a program that reads its standard input to the end, and answers once it has written a line. It ends when we close it, or end. */
  hold(argv: readonly string[]): Promise<Held>;
  signal(pid: number, signal: 'TERM' | 'KILL' | 'HUP' | 0): boolean;

  /**
   * Sends a message of DNS by UDP, as often as need be, each from a port of its own, and answers with what `read` makes of the first message from there
   * that it does not pass over as undefined; where that is `cut`, with what it makes of the one that comes by TCP (RFC 7766 section 5). Undefined where
   * none comes in time, nobody is there, or no way leads there.
   */
  exchange<T extends object>(
    message: Uint8Array,
    correspondent: Correspondent,
    read: (message: Buffer) => T | 'cut' | undefined,
  ): Promise<T | undefined>;

  read(path: AbsPath): Promise<Buffer | undefined>;
  state(path: AbsPath): Promise<FileState | undefined>;
  /** Where a symbolic link leads; undefined when there is none. */
  readLink(path: AbsPath): Promise<string | undefined>;
  list(path: AbsPath): Promise<readonly string[]>;
  fileSystem(path: AbsPath): Promise<FileSystem>;
  /** Atomic and durable: a temporary file beside it, fsync, rename, fsync of the directory. */
  write(path: AbsPath, content: string | Uint8Array, placement: Placement): Promise<void>;
  /** Makes the directory and its parents (parents root, 0755), durably; sets owner and mode of the last. */
  makeDir(path: AbsPath, placement: Placement): Promise<void>;
  /** Sets owner and mode of a file or directory that somebody else made, and makes it durable with its content. */
  place(path: AbsPath, placement: Placement): Promise<void>;
  /** Removes a file, a link or a whole directory; nothing there is fine. */
  remove(path: AbsPath): Promise<void>;
  rename(from: AbsPath, to: AbsPath): Promise<void>;

  /** Keeps this process running until the answer is called. */
  keepAlive(): () => void;
  now(): Date;
  random(octets: number): Buffer;
  /** Asks until `condition` holds, at most twice a second; false when `ms` are over first. */
  waitFor(condition: () => Promise<boolean>, ms: number): Promise<boolean>;
  /** Rejects with an AbortError as soon as `signal` says so. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}
