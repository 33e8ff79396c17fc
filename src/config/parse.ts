/**
 * From the text of hauspost.toml to a checked configuration, or to all that is wrong with it at once, in the order of the file.
 * Trusts nothing in the text. What the machine has to do with it (addresses, resolvers) is looked at in `resolve`.
 */
import { fail, ok, type Result } from '#base';
import { type Found, SectionCheck } from './check.ts';
import { nearest } from '#base';
import { type ConfigProblem, type Position, printable } from './problem.ts';
import { type Config, SECTIONS } from './sections.ts';
import { type Assignment, type Document, readDocument, type Table } from './syntax.ts';

const START: Position = { line: 1, column: 1 };
const NAMES: readonly string[] = Object.values(SECTIONS).map(({ name }) => name);

class DocumentCheck {
  readonly problems: Found[] = [];
  readonly #document: Document;
  readonly #checks = new Map(Object.values(SECTIONS).map((section) => [section.name, new SectionCheck(section)] as const));
  readonly #unknown = new Set<string>();

  constructor(document: Document) {
    this.#document = document;
    this.problems.push(...document.problems.map((problem) => ({ ...problem, path: problem.path.join('.') })));
    for (const table of document.tables) this.#table(table);
    for (const { path, line, column } of document.problems) this.#sectionOf(path[0] ?? '')?.noteBroken(path[1] ?? '', { line, column });
    for (const assignment of document.assignments) this.#assignment(assignment);
  }

  finish(): Readonly<Record<string, unknown>> {
    // The profile first: other sections' rules may look at it.
    const profile = this.#checks.get('server')?.values['profile'];
    const wants = Object.entries(SECTIONS).map(([field, { name }]) => [field, this.#checks.get(name)?.finish(profile, this.#headerOf(name))]);
    for (const check of this.#checks.values()) this.problems.push(...check.problems);
    return Object.fromEntries(wants);
  }

  /** A misspelt section counts as the one it is near to, so that its options are checked as well. */
  #sectionOf(name: string): SectionCheck | undefined {
    return this.#checks.get(name) ?? this.#checks.get(nearest(name, NAMES) ?? '');
  }

  #headerOf(name: string): Position {
    const table =
      this.#document.tables.find(({ path }) => path[0] === name) ?? this.#document.tables.find(({ path }) => nearest(path[0] ?? '', NAMES) === name);
    return table?.at ?? this.#document.assignments.find(({ path }) => path[0] === name)?.key ?? START;
  }

  #table({ path, at, array }: Table): void {
    const [name = '', ...below] = path;
    if (!this.#checks.has(name)) {
      this.#unknownSection(name, at);
      return;
    }
    const dotted = path.join('.');
    if (below.length > 0) {
      const remedy = `Write the options below [${name}]: ${this.#checks.get(name)?.keys.join(', ')}.`;
      this.problems.push({ code: 'config.unknown-table', path: dotted, message: `[${dotted}]: there is no such section`, remedy, ...at });
    } else if (array) {
      this.problems.push({
        code: 'config.wrong-type',
        path: dotted,
        message: `[[${name}]] makes a list of what is there once`,
        remedy: `Write [${name}].`,
        ...at,
      });
    }
  }

  #unknownSection(name: string, at: Position): void {
    if (this.#unknown.has(name)) return;
    this.#unknown.add(name);
    const near = nearest(name, NAMES);
    const remedy = near === undefined ? `Sections: ${NAMES.join(', ')}.` : `Write [${near}].`;
    this.problems.push({ code: 'config.unknown-table', path: name, message: `[${name}]: there is no such section`, remedy, ...at });
  }

  #assignment(assignment: Assignment): void {
    const [name = '', ...below] = assignment.path;
    if (below.length === 0) {
      this.#outside(name, assignment);
      return;
    }
    if (!this.#checks.has(name)) this.#unknownSection(name, assignment.key);
    // Below [mail.limits], which was reported as a whole.
    if (this.#document.tables.some(({ path }) => path.length > 1 && path.every((part, index) => part === assignment.path[index]))) return;
    this.#sectionOf(name)?.assign(below.join('.'), assignment);
  }

  /** An option above all sections. */
  #outside(name: string, { key, at }: Assignment): void {
    const place = { path: name, ...key, value: at.source };
    if (this.#checks.has(name)) {
      this.problems.push({
        ...place,
        code: 'config.wrong-type',
        message: `${name} is a section`,
        remedy: `Write [${name}] and its options below it.`,
      });
      return;
    }
    const homes = [...this.#checks].filter(([, check]) => check.keys.includes(name));
    const [home, check] = homes[0] ?? [];
    check?.noteBroken(name, key);
    const remedy = home === undefined ? `Sections: ${NAMES.join(', ')}.` : `Write it below [${home}].`;
    this.problems.push({ ...place, code: 'config.unknown-key', message: `${name} is in no section`, remedy });
  }
}

const nothing = ({ assignments, tables, problems }: Document): boolean => assignments.length + tables.length + problems.length === 0;

/** What the document comes to; valid only without problems. */
export const checked = (document: Document): { readonly wants: Readonly<Record<string, unknown>>; readonly problems: readonly Found[] } => {
  const check = new DocumentCheck(document);
  const wants = document.whole ? check.finish() : {};
  return { wants, problems: check.problems };
};

/** A message may quote the file. */
const oneLine = (message: string): string => message.replace(/[^ -~]/gu, printable);

export const parseConfig = (text: string, fileName: string): Result<Config, ConfigProblem> => {
  const document = readDocument(text);
  if (nothing(document)) {
    const remedy = 'Run hauspost config example to see a complete file, or remove this one and run hauspost up.';
    return fail({ code: 'config.empty', file: fileName, ...START, path: '', message: 'the file is empty', remedy });
  }
  const { wants, problems } = checked(document);
  // The sections' declarations made both this value and the type: each field was read by its own schema.
  if (problems.length === 0) return ok(wants as Config);
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return fail(
    ...sorted.map(({ value, message, path, ...rest }) => ({
      file: fileName,
      ...rest,
      path: printable(path),
      message: oneLine(message),
      ...(value === undefined ? {} : { value: printable(value) }),
    })),
  );
};
