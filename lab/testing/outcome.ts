/** What became of one file of tests, or of one check that is not a file (lint, types), and how it is shown. */

export interface Failure {
  /** The names of the test and those around it. */
  readonly name: string;
  /** `file:line`, or empty. */
  readonly place: string;
  readonly text: string;
}

export interface Outcome {
  readonly name: string;
  readonly ms: number;
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** Name and reason. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** What the file printed; shown as a whole only when something failed, otherwise what was measured: lines behind four blanks. */
  readonly output: string;
  /** The file could not be run on this machine at all. */
  readonly notRun?: string;
}

const OUTPUT_LINES = 200;

const indented = (text: string, by: string): string => text.trimEnd().replaceAll(/^/gm, by);

const lastLines = (text: string): string => {
  const lines = text.trimEnd().split('\n');
  return lines.length <= OUTPUT_LINES
    ? lines.join('\n')
    : [`... ${lines.length - OUTPUT_LINES} lines before`, ...lines.slice(-OUTPUT_LINES)].join('\n');
};

const counts = ({ passed, failures, skipped }: Outcome): string =>
  [
    `${passed} passed`,
    ...(failures.length > 0 ? [`${failures.length} failed`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
  ].join(', ');

/** One line, and the details of what failed or was skipped below it. */
export const describe = (outcome: Outcome): string => {
  if (outcome.notRun !== undefined) return `not run            ${outcome.name}: ${outcome.notRun}\n`;
  const verdict = outcome.failures.length > 0 ? 'FAILED' : 'ok';
  const line = `${verdict.padEnd(7)}${(outcome.ms / 1000).toFixed(1).padStart(7)} s  ${outcome.name}  (${counts(outcome)})\n`;
  const skipped = outcome.skipped.map(({ name, reason }) => `  skipped: ${name}: ${reason}\n`);
  const failures = outcome.failures.map(
    ({ name, place, text }) => `  failed: ${name}${place === '' ? '' : `  (${place})`}\n${indented(text, '    ')}\n`,
  );
  const output =
    outcome.failures.length > 0 && outcome.output.trim() !== ''
      ? [`  printed by ${outcome.name}:\n${indented(lastLines(outcome.output), '    | ')}\n`]
      : outcome.output.split('\n').flatMap((each) => (/^ {4}\S/.test(each) ? [`${each}\n`] : []));
  return [line, ...skipped, ...failures, ...output].join('');
};

const MOST_CHARACTERS = 400;

/** The beginning of what an error says, on one line. */
const inShort = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, MOST_CHARACTERS);

/** What failed and why, two lines each, once more: a long run is often read from its end, or from a part of it. */
export const failed = (outcomes: readonly Outcome[]): string =>
  outcomes.flatMap(({ name, failures }) => failures.map((failure) => `failed: ${name}: ${failure.name}\n  ${inShort(failure.text)}\n`)).join('');

/** `N passed, N failed[, N skipped]`: the last line of a run. A file that could not be run counts as one skipped. */
export const total = (outcomes: readonly Outcome[]): string => {
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((all, outcome) => all + of(outcome), 0);
  const skipped = sum((outcome) => outcome.skipped.length + (outcome.notRun === undefined ? 0 : 1));
  return `${sum(({ passed }) => passed)} passed, ${sum(({ failures }) => failures.length)} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
};

export const isGood = (outcomes: readonly Outcome[]): boolean =>
  outcomes.every(({ failures, notRun }) => failures.length === 0 && notRun === undefined) && outcomes.some(({ passed }) => passed > 0);
