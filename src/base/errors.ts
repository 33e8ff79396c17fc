/**
 * Errors that say who must act. Each has a stable code, a sentence that names the value or the thing at fault, and a remedy.
 * The exit codes are those of the command line's contract; the faces read them from here and decide nothing themselves.
 */

/** Who can mend it: the operator (a wrong value), the environment (something lacks or is in the way), nobody outside (a bug), or time (it failed). */
export type Blame = 'operator' | 'environment' | 'failure' | 'bug';

const EXIT: Readonly<Record<Blame, number>> = { failure: 1, operator: 3, environment: 4, bug: 70 };

export interface ErrorParts {
  /** Stable, dotted, lower case: `config.unknown-key`. */
  readonly code: string;
  /** One line: what is wrong, naming the value. */
  readonly message: string;
  /** One line: what to do or what to write instead. */
  readonly remedy: string;
  /** Shapes for `--json`; never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class HauspostError extends Error {
  readonly blame: Blame;
  readonly code: string;
  readonly remedy: string;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(blame: Blame, parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'HauspostError';
    this.blame = blame;
    this.code = parts.code;
    this.remedy = parts.remedy;
    this.detail = parts.detail ?? {};
  }

  get exitCode(): number {
    return EXIT[this.blame];
  }
}

/** The operator's input is wrong (exit 3). */
export const operatorError = (parts: ErrorParts): HauspostError => new HauspostError('operator', parts);
/** The machine lacks something, or something is in the way (exit 4). */
export const environmentError = (parts: ErrorParts): HauspostError => new HauspostError('environment', parts);
/** It was tried and did not work; what was there before still works (exit 1). */
export const failure = (parts: ErrorParts): HauspostError => new HauspostError('failure', parts);
/** A defect of Hauspost itself (exit 70). */
export const bug = (message: string, cause?: unknown): HauspostError =>
  new HauspostError('bug', { code: 'bug', message, remedy: 'This is a defect of Hauspost; please report it with this output.', cause });

/** Anything thrown, as an error of ours: what we did not foresee is a bug. */
export const asHauspostError = (thrown: unknown): HauspostError => {
  if (thrown instanceof HauspostError) return thrown;
  return bug(thrown instanceof Error ? thrown.message : String(thrown), thrown);
};

/** For `switch` over a union: the compiler proves that no case is missing. */
export const unreachable = (value: never): never => {
  throw bug(`unexpected case: ${JSON.stringify(value)}`);
};
