/**
 * What an option is there for is seen without it: the operator's file with one option left to its default, and with the documented example in
 * its place, which is how one is left out that has to be there, or that says what would be without it.
 */
import { checked } from './parse.ts';
import { type Config, SECTIONS } from './sections.ts';
import { type Assignment, readDocument } from './syntax.ts';

export interface Alternative {
  /** As `hauspost config explain` knows it: `mail.message_size_limit`. */
  readonly option: string;
  /** From 1, where the operator wrote it. */
  readonly line: number;
  readonly config: Config;
}

const exampleOf = ([name, key]: readonly string[]): unknown =>
  Object.values(SECTIONS)
    .filter((section) => section.name === name)
    .flatMap(({ options }) => Object.values(options))
    .find((option) => option.key === key)?.example;

/** For each option that the text sets, those that are valid configurations; `text` is one itself. */
export const alternatives = (text: string): readonly Alternative[] => {
  const document = readDocument(text);
  const instead = (assignment: Assignment, replaced: readonly Assignment[]): readonly Alternative[] => {
    const assignments = document.assignments.flatMap((each) => (each === assignment ? replaced : [each]));
    const { wants, problems } = checked({ ...document, assignments });
    // As in `parseConfig`: each field was read by its own schema.
    return problems.length > 0 ? [] : [{ option: assignment.path.join('.'), line: assignment.key.line, config: wants as Config }];
  };
  return document.assignments.flatMap((assignment) => [
    ...instead(assignment, []),
    ...instead(assignment, [{ ...assignment, value: exampleOf(assignment.path) }]),
  ]);
};
