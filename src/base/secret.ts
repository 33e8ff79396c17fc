/**
 * Text that names secrets instead of holding them. Rendering and diffs work on `Text`; only staging reveals it.
 * A secret's value is made of characters that need no quoting in any of our formats (see `isPlainSecret`), or fills a file of its own.
 */

export interface SecretRef {
  readonly secret: string;
}

/** A file's content: literal pieces and references, in order. */
export type Text = readonly (string | SecretRef)[];

/** The text with references shown by name, for diffs and people. */
export const redacted = (text: Text): string => text.map((part) => (typeof part === 'string' ? part : `<secret:${part.secret}>`)).join('');

export const secretsOf = (text: Text): readonly string[] => text.flatMap((part) => (typeof part === 'string' ? [] : [part.secret]));

/** Letters, digits and `$ . / + = - _ :`, and no `${`: safe bare in every format of ours, between its quotes. */
export const isPlainSecret = (value: string): boolean => /^[A-Za-z0-9$./+=_:-]{1,4096}$/.test(value);
