/** What is wrong in hauspost.toml, where, and what to write instead. */
import { type HauspostError, operatorError } from '#base';

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

export interface ConfigProblem extends Position {
  /** `config.syntax`, `config.unknown-key`, `input.domain` ...: stable. */
  readonly code: string;
  readonly file: string;
  /** `mail.message_size_limit`, or the section, or empty where neither can be told. */
  readonly path: string;
  /** As it stands in the file, at most 80 characters of it, escaped to printable ASCII. */
  readonly value?: string;
  /** One line that names the option. */
  readonly message: string;
  /** One line: what to write instead. */
  readonly remedy: string;
}

/** Fit for a terminal and for one line, whatever the file held. */
export const printable = (text: string): string => {
  const escaped = text.replace(/[^ -~]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  return escaped.length > 80 ? `${escaped.slice(0, 77)}...` : escaped;
};

/** `hauspost.toml:12:5: mail.default_quota: ...`, as compilers write it. */
export const describeProblem = (problem: ConfigProblem): string => `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`;

/** All of them as one error (exit 3); `detail.problems` has each. */
export const configError = (problems: readonly ConfigProblem[]): HauspostError => {
  const [first, ...others] = problems;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return operatorError({
    code: 'config.invalid',
    message: `${first === undefined ? 'the configuration is not valid' : describeProblem(first)}${more}`,
    remedy: first?.remedy ?? 'Run hauspost config check.',
    detail: { problems },
  });
};
