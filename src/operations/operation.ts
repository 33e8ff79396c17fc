/**
 * The table's row: one thing that can be asked of Hauspost. Operations return results and take consents as input; progress goes to
 * the reporter, which never asks. Command line, documentation, and later the agent and the API are derived from these rows.
 */
import type { z } from 'zod';
import type { AbsPath, Reporter } from '#base';
import type { Machine } from '#machine';

/** A question that must be answered with yes before `run`. */
export interface Consent {
  /** Stable; `run` refuses when what it finds is no longer what was consented to. */
  readonly id: string;
  /** Shown before the question. */
  readonly text: string;
  readonly question: string;
}

export interface Context {
  readonly machine: Machine;
  readonly reporter: Reporter;
  readonly version: string;
  /** The launcher of this installation. */
  readonly program: AbsPath;
  /** Whose that is. */
  readonly owner: string;
  /** The operator's file. */
  readonly configFile: AbsPath;
  /** Ids that were answered with yes; `everything` for `--yes`. */
  readonly consented: ReadonlySet<string> | 'everything';
  /** A password from the face: one line of standard input, or an answer typed unseen. */
  readonly secret: (from: 'stdin' | 'terminal') => Promise<string>;
  /** Ends when the process is asked to end. */
  readonly signal: AbortSignal;
}

/** Left of its word in the usage line; `rest` takes all further words. */
export interface Positional {
  readonly key: string;
  readonly rest?: boolean;
}

/** What both kinds of rows say. */
interface Command<I extends z.ZodObject, N extends string> {
  /** Words as typed: `domain add`. */
  readonly name: N;
  readonly summary: string;
  readonly example: string;
  readonly positionals: readonly Positional[];
  /** Keys are snake_case and become flags: `send_only` is `--send-only`. */
  readonly input: I;
  /** `server`: root, and that a server was made here. */
  readonly needs: 'server' | 'root' | 'nothing';
}

export interface Operation<I extends z.ZodObject = z.ZodObject, O = unknown, N extends string = string> extends Command<I, N> {
  readonly output: z.ZodType<O>;
  readonly consents?: (context: Context, input: z.output<I>) => Promise<readonly Consent[]>;
  readonly run: (context: Context, input: z.output<I>) => Promise<O>;
  /** Exit status of a success that is not 0, e.g. `plan` with changes. */
  readonly exitCode?: (output: O) => number;
}

/** A list of any length. Its result is an array, which nobody holds as a whole: elements are made, checked and shown one after the other. */
export interface Listing<I extends z.ZodObject = z.ZodObject, E = unknown, N extends string = string> extends Command<I, N> {
  readonly element: z.ZodType<E>;
  /** Throws with the first element or later. Who wants no more of them says so by `return`, as `for await` does. */
  readonly elements: (context: Context, input: z.output<I>) => AsyncIterable<NoInfer<E>>;
}

/** Keeps the name, input and output types of a row while checking it. */
export const operation = <const N extends string, I extends z.ZodObject, O>(row: Operation<I, O, N>): Operation<I, O, N> => row;
export const listing = <const N extends string, I extends z.ZodObject, E>(row: Listing<I, E, N>): Listing<I, E, N> => row;

/** The type of a row in the table, where inputs differ from row to row. */
// biome-ignore lint/suspicious/noExplicitAny: rows of different inputs stand in one table; each is called with what its own schema parsed
export type AnyOperation = Operation<any, any> | Listing<any, any>;
