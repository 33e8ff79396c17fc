/**
 * From text to assignments with their places. The TOML parser stops at its first error; here the statement at fault is noted,
 * taken out and the rest read again, so that one forgotten quote does not hide what else is wrong.
 */
import { type AST, getStaticTOMLValue, ParseError, parseTOML } from 'toml-eslint-parser';
import type { Position } from './problem.ts';
import { explainDuplicate, explainSyntax, isHeader, startsStatement, targetOf } from './statement.ts';

export interface Place extends Position {
  /** The text there. */
  readonly source: string;
}

export interface Assignment {
  /** `['mail', 'default_quota']`. */
  readonly path: readonly string[];
  readonly key: Position;
  readonly value: unknown;
  readonly at: Place;
  /** Of a list's elements. */
  readonly elements: readonly Place[];
}

export interface Table {
  readonly path: readonly string[];
  readonly at: Position;
  /** Written `[[name]]`. */
  readonly array: boolean;
}

export interface SyntaxProblem extends Position {
  readonly code: 'config.syntax' | 'config.duplicate-key';
  readonly path: readonly string[];
  readonly value: string;
  readonly message: string;
  readonly remedy: string;
}

export interface Document {
  readonly assignments: readonly Assignment[];
  readonly tables: readonly Table[];
  readonly problems: readonly SyntaxProblem[];
  /** False where reading was given up, so that nothing can be said about what is missing. */
  readonly whole: boolean;
}

const MOST_PROBLEMS = 100;
/** No operator writes a NUL into a table's name, so a stand-in for a broken header collides with nothing. */
const STAND_IN = '\u0000';

const position = (node: AST.HasLocs): Position => ({ line: node.loc.start.line, column: node.loc.start.column + 1 });
const names = (key: AST.TOMLKey): string[] => key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value));

class Reading {
  readonly assignments: Assignment[] = [];
  readonly tables: Table[] = [];
  readonly #text: string;
  readonly #standIns: readonly string[];

  constructor(text: string, standIns: readonly string[]) {
    this.#text = text;
    this.#standIns = standIns;
    for (const node of parseTOML(text).body[0].body) {
      if (node.type === 'TOMLTable') this.#table(node);
      else this.#assign([], node);
    }
  }

  #table(node: AST.TOMLTable): void {
    const written = names(node.key);
    const standIn = written[0]?.startsWith(STAND_IN) === true ? this.#standIns[Number(written[0].slice(1))] : undefined;
    const path = standIn === undefined ? written : standIn === '' ? [] : standIn.split('.');
    if (standIn === '') return; // Nobody knows where what follows belongs.
    if (standIn === undefined) this.tables.push({ path, at: position(node), array: node.kind === 'array' });
    for (const child of node.body) this.#assign(path, child);
  }

  #place(node: AST.TOMLContentNode): Place {
    return { ...position(node), source: this.#text.slice(...node.range) };
  }

  /** A section may also be written `mail = { default_quota = "1G" }`. */
  #assign(above: readonly string[], node: AST.TOMLKeyValue): void {
    const path = [...above, ...names(node.key)];
    if (node.value.type === 'TOMLInlineTable' && path.length === 1) {
      this.tables.push({ path, at: position(node), array: false });
      for (const child of node.value.body) this.#assign(path, child);
      return;
    }
    const elements = node.value.type === 'TOMLArray' ? node.value.elements.map((element) => this.#place(element)) : [];
    this.assignments.push({ path, key: position(node), value: getStaticTOMLValue(node.value), at: this.#place(node.value), elements });
  }
}

const read = (lines: readonly string[], standIns: readonly string[] = []): Reading => new Reading(lines.join('\n'), standIns);

const errorIn = (lines: readonly string[]): ParseError | undefined => {
  try {
    parseTOML(lines.join('\n'));
    return undefined;
  } catch (error) {
    if (error instanceof ParseError) return error;
    throw error;
  }
};

/** The lines of the statement at fault, `from` inclusive, `to` exclusive, counted from 0. */
interface Fault {
  readonly from: number;
  readonly to: number;
  readonly column: number;
  /** Well-formed, but there is one already. */
  readonly duplicate: boolean;
}

/**
 * The parser says where it gave up. Where all lines before that are complete, the line itself is at fault. Else something was
 * left open: by the statement that began there if this line begins a new one or is the end, by this line if it is in its midst.
 */
const blame = (lines: readonly string[], error: ParseError): Fault => {
  const gaveUp = Math.min(error.lineNumber, lines.length) - 1;
  const line = lines[gaveUp] ?? '';
  const itself = { from: gaveUp, to: gaveUp + 1, column: Math.min(error.column, line.length) + 1 };
  const complete = errorIn(lines.slice(0, gaveUp)) === undefined;
  if (complete) return { ...itself, duplicate: errorIn([line]) === undefined };
  const midst = !startsStatement(line) && line.trim() !== '' && gaveUp < lines.length - 1;
  if (midst) return { ...itself, duplicate: false };
  const opener = lines.findLastIndex((text, index) => index < gaveUp && startsStatement(text) && errorIn(lines.slice(0, index)) === undefined);
  if (opener < 0) return { ...itself, duplicate: false };
  const next = lines.findIndex((text, index) => index > opener && startsStatement(text));
  return { from: opener, to: next < 0 ? lines.length : next, column: (/\S/.exec(lines[opener] ?? '')?.index ?? 0) + 1, duplicate: false };
};

const describe = (lines: readonly string[], fault: Fault, standIns: readonly string[], error: ParseError): SyntaxProblem => {
  const line = lines[fault.from] ?? '';
  const path = targetOf(lines, fault.from, standInName(standIns));
  const place = { line: fault.from + 1, column: fault.column, path, value: line.trim() };
  if (!fault.duplicate) return { ...place, code: 'config.syntax', ...explainSyntax(line, path, error.message) };
  const before = read(lines.slice(0, fault.from), standIns);
  const first = before.assignments.find((other) => other.path.join('.').startsWith(path.join('.')))?.key;
  const table = before.tables.find((other) => other.path.join('.') === path.join('.'))?.at;
  return { ...place, code: 'config.duplicate-key', ...explainDuplicate(line, path, (table ?? first)?.line) };
};

const standInName =
  (standIns: readonly string[]) =>
  (line: string): string | undefined => {
    const match = /^\["\\u0000([0-9]+)"\]$/.exec(line);
    return match === null ? undefined : standIns[Number(match[1])];
  };

/** Reads all that can be read. Never throws for what the text holds. */
export const readDocument = (text: string): Document => {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const problems: SyntaxProblem[] = [];
  const standIns: string[] = [];
  for (let error = errorIn(lines); error !== undefined; error = errorIn(lines)) {
    const fault = blame(lines, error);
    const problem = describe(lines, fault, standIns, error);
    problems.push(problem);
    if (problems.length === MOST_PROBLEMS || (lines[fault.from] ?? '') === '') {
      return { assignments: [], tables: [], problems, whole: false };
    }
    const header = isHeader(lines[fault.from] ?? '');
    lines.fill('', fault.from, fault.to);
    if (header) lines[fault.from] = `["\\u0000${standIns.push(problem.path.join('.')) - 1}"]`;
  }
  const { assignments, tables } = read(lines, standIns);
  return { assignments, tables, problems, whole: true };
};
