/**
 * How a section declares its options: key, kind of value, default, documentation, reason and example of an option are one
 * declaration. Checks, the example file, `config explain` and docs/options.md are made from it, so that they cannot disagree.
 */
import type { Facts } from '#machine';
import type { Kind } from './kinds.ts';

/** A value as it stands in the file. */
export type Written = string | number | boolean | readonly string[];

export type Default =
  | { readonly is: 'fixed'; readonly value: Written }
  /** Decided by `settings` of the section from the profile and the machine; `rule` says how. The operator may write "auto". */
  | { readonly is: 'auto'; readonly rule: string }
  /** Need not be there, and then there is no such setting. */
  | { readonly is: 'none' }
  | { readonly is: 'required' };

export interface Option<T = unknown, D extends Default = Default> {
  /** In the file, in snake case. The declaration's own name is the field of `Settings`, which says the unit. */
  readonly key: string;
  readonly kind: Kind<T>;
  readonly default: D;
  /** What it does. */
  readonly doc: string;
  /** Why the default is what it is, or why one would change it. */
  readonly why: string;
  /** A value that somebody would really write. */
  readonly example: Written;
  /** The version of Hauspost that had it first. */
  readonly since: string;
}

/** Keeps the types of value and default apart, which an annotation would widen. */
export const option = <T, const D extends Default>(declaration: Option<T, D>): Option<T, D> => declaration;

export const fixed = (value: Written): { readonly is: 'fixed'; readonly value: Written } => ({ is: 'fixed', value });
export const auto = (rule: string): { readonly is: 'auto'; readonly rule: string } => ({ is: 'auto', rule });
export const none = { is: 'none' } as const;
export const required = { is: 'required' } as const;

export type Options = Readonly<Record<string, Option>>;

type Keys<O extends Options, Is extends Default['is']> = {
  [K in keyof O]: O[K] extends Option<unknown, Extract<Default, { is: Is }>> ? K : never;
}[keyof O];
type ValueOf<P> = P extends Option<infer T> ? T : never;

/** What the operator wants: values with fixed defaults filled in, `undefined` where the value is left to `settings`. */
export type Wants<O extends Options> = { readonly [K in Keys<O, 'fixed' | 'required'>]: ValueOf<O[K]> } & {
  readonly [K in Keys<O, 'auto'>]: ValueOf<O[K]> | undefined;
} & { readonly [K in Keys<O, 'none'>]?: ValueOf<O[K]> };

/** While checking: a field is missing where its value was refused, so a rule must not conclude anything from that. */
export interface Drafted<O extends Options> {
  readonly wants: { readonly [K in keyof O]?: ValueOf<O[K]> | undefined };
  /** The operator wrote this option, and not "auto", whether or not the value is any good. */
  wrote(field: keyof O): boolean;
  readonly profile: 'local' | 'public' | undefined;
}

/** Options that contradict or need each other. Reported at the line of `at`, or of the section. */
export interface Conflict {
  /** Key of the option. */
  readonly at: string;
  readonly code: 'config.exclusive' | 'config.missing' | 'config.out-of-range';
  readonly message: string;
  readonly remedy: string;
}

/** What the value of an `auto` may depend on. */
export interface Circumstances {
  readonly profile: 'local' | 'public';
  readonly facts: Facts;
}

export interface Section<O extends Options = Options, S = unknown> {
  /** Of the table in the file. */
  readonly name: string;
  readonly doc: string;
  readonly options: O;
  rules(draft: Drafted<O>): readonly Conflict[];
  /** Every `auto` resolved. Throws an operator error where that needs what this machine does not have. */
  settings(wants: Wants<O>, circumstances: Circumstances): S;
}

export const section = <const O extends Options, S>(declaration: Section<O, S>): Section<O, S> => declaration;
