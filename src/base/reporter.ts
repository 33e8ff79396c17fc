/**
 * Progress of long work, as events. A reporter has one method and never asks: consents are input of an operation.
 * Sentences are written where the event is emitted; faces decide how to show them.
 */

export type ReportEvent =
  | { readonly kind: 'step'; readonly step: string; readonly state: 'begin' | 'done' | 'failed'; readonly detail?: string }
  | { readonly kind: 'info'; readonly text: string }
  | { readonly kind: 'warning'; readonly code: string; readonly text: string; readonly remedy: string }
  /** A generated password, shown this one time and never part of a result. `kept`: the file in which root finds it later. */
  | { readonly kind: 'password'; readonly whose: string; readonly password: string; readonly kept?: string }
  /** Output of a program that we run for the operator (apt), line by line. */
  | { readonly kind: 'output'; readonly source: string; readonly line: string };

export interface Reporter {
  emit(event: ReportEvent): void;
}

/** Reports nothing; for callers that read the result alone. */
export const silent: Reporter = { emit: () => undefined };

/** Runs `work` between a `begin` and a `done` or `failed` event of the same step. */
export const step = async <T>(reporter: Reporter, name: string, work: () => Promise<T>): Promise<T> => {
  reporter.emit({ kind: 'step', step: name, state: 'begin' });
  try {
    const value = await work();
    reporter.emit({ kind: 'step', step: name, state: 'done' });
    return value;
  } catch (error) {
    reporter.emit({ kind: 'step', step: name, state: 'failed' });
    throw error;
  }
};
