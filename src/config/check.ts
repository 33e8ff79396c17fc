/** Checks what was assigned against the sections' declarations: each name, each value, then how values fit together. */
import type { z } from 'zod';
import { flag, type Refusal } from './kinds.ts';
import { nearest } from '#base';
import type { Conflict, Option, Section } from './option.ts';
import type { ConfigProblem, Position } from './problem.ts';
import type { Assignment, Place } from './syntax.ts';
import { written } from './written.ts';

export type Found = Omit<ConfigProblem, 'file' | 'value'> & { readonly value?: string };

const kindOf = (value: unknown): string => {
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object') return 'a table';
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'true or false' : 'a number';
};

const isRefusal = (params: unknown): params is Refusal => typeof params === 'object' && params !== null && 'code' in params && 'remedy' in params;

type Why = Pick<Found, 'code' | 'message' | 'remedy'>;

const explainIssue = (issue: z.core.$ZodIssue, path: string, option: Option, value: unknown): Why => {
  const example = `Write ${option.key} = ${written(option.kind.meant?.(value, String(option.example)) ?? option.example)}.`;
  if (issue.code === 'custom' && isRefusal(issue.params)) {
    const { code, remedy } = issue.params;
    // The shared parsers (`input.*`) know no option, and their remedy is general, but for one that says what this very value should be.
    return { code, message: `${path}: ${issue.message}`, remedy: code.startsWith('input.') && code !== 'input.network' ? example : remedy };
  }
  if (issue.code === 'invalid_value') {
    const close = typeof value === 'string' ? nearest(value, issue.values.map(String)) : undefined;
    const message = `${path} must be ${option.kind.name}, not ${JSON.stringify(value)}`;
    return { code: 'config.out-of-range', message, remedy: close === undefined ? example : `Write ${option.key} = "${close}".` };
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const message = `${path} must be ${option.kind.allowed}`;
    return { code: 'config.out-of-range', message, remedy: example };
  }
  const unitless = typeof value === 'number' && option.kind.meant !== undefined ? ' without a unit' : '';
  const both = option.kind.name === flag.name ? `Write ${option.key} = true or ${option.key} = false.` : example;
  return { code: 'config.wrong-type', message: `${path} must be ${option.kind.name}; this is ${kindOf(value)}${unitless}`, remedy: both };
};

/** The part of the value that the issue is about: an element of a list, or the whole. */
const placeOf = (issue: z.core.$ZodIssue, { at, elements, value }: Assignment): { place: Place; value: unknown } => {
  const index = issue.path[0];
  if (typeof index !== 'number' || !Array.isArray(value)) return { place: at, value };
  return { place: elements[index] ?? at, value: value[index] };
};

/** A number that is too large for one reason is not reported for another one as well. */
const firstOfEachPlace = (issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] =>
  issues.filter((issue, index) => issues.findIndex((other) => other.path[0] === issue.path[0]) === index);

export class SectionCheck {
  readonly problems: Found[] = [];
  readonly values: Record<string, unknown> = {};
  readonly #section: Section;
  readonly #wrote = new Map<string, Position & { readonly value?: string }>();

  constructor(section: Section) {
    this.#section = section;
  }

  get keys(): readonly string[] {
    return Object.values(this.#section.options).map((option) => option.key);
  }

  /** A line about this option could not be read: nothing is known about it but that it was written. */
  noteBroken(key: string, at: Position): void {
    const field = this.#fieldOf(key) ?? this.#fieldOf(nearest(key, this.keys) ?? '');
    if (field !== undefined) this.#wrote.set(field, at);
  }

  /** A wrong name that is near to a right one counts as that one, so that it is not reported as missing as well. */
  assign(key: string, assignment: Assignment): void {
    const exact = this.#fieldOf(key);
    const near = exact === undefined ? nearest(key, this.keys) : undefined;
    const field = exact ?? this.#fieldOf(near ?? '');
    if (exact === undefined) this.problems.push(this.#unknown(key, near, assignment));
    const option = field === undefined ? undefined : this.#section.options[field];
    if (field === undefined || option === undefined) return;
    if (option.default.is === 'auto' && assignment.value === 'auto') return;
    this.#wrote.set(field, { ...assignment.key, value: assignment.at.source });
    const result = option.kind.schema.safeParse(assignment.value);
    if (result.success) {
      this.values[field] = result.data;
      return;
    }
    for (const issue of firstOfEachPlace(result.error.issues)) {
      const { place, value } = placeOf(issue, assignment);
      const path = `${this.#section.name}.${option.key}`;
      this.problems.push({ ...explainIssue(issue, path, option, value), path, line: place.line, column: place.column, value: place.source });
    }
  }

  /** Fills in defaults and compares options with each other. Returns what the operator wants; valid only without problems. */
  finish(profile: unknown, header: Position): Readonly<Record<string, unknown>> {
    for (const [field, option] of Object.entries(this.#section.options)) {
      if (this.#wrote.has(field)) continue;
      if (option.default.is === 'fixed') this.values[field] = option.kind.schema.parse(option.default.value);
      if (option.default.is === 'auto') this.values[field] = undefined;
      if (option.default.is === 'required') this.problems.push(this.#missing(option, header));
    }
    const draft = {
      wants: this.values,
      wrote: (field: string) => this.#wrote.has(field),
      profile: profile === 'local' || profile === 'public' ? profile : undefined,
    } as const;
    for (const conflict of this.#section.rules(draft)) this.problems.push(this.#conflict(conflict, header));
    return this.values;
  }

  #fieldOf(key: string): string | undefined {
    return Object.entries(this.#section.options).find(([, option]) => option.key === key)?.[0];
  }

  #unknown(key: string, near: string | undefined, { key: at, at: { source } }: Assignment): Found {
    const path = `${this.#section.name}.${key}`;
    const remedy = near === undefined ? `Options of [${this.#section.name}]: ${this.keys.join(', ')}.` : `Write ${near}.`;
    return { code: 'config.unknown-key', path, message: `${path}: there is no such option`, remedy, ...at, value: source };
  }

  #missing(option: Option, header: Position): Found {
    const path = `${this.#section.name}.${option.key}`;
    const remedy = `Write ${option.key} = ${written(option.example)} below [${this.#section.name}]; it can be ${option.kind.name}.`;
    return { code: 'config.missing', path, message: `${path} is missing`, remedy, ...header };
  }

  #conflict({ at, code, message, remedy }: Conflict, header: Position): Found {
    const place = this.#wrote.get(this.#fieldOf(at) ?? '') ?? header;
    return { code, path: `${this.#section.name}.${at}`, message, remedy, ...place };
  }
}
