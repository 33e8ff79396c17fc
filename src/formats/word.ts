/**
 * From one value to pieces of text: the part that all formats share. A format says how it protects literal text, how it writes
 * a reference, and whether a secret may stand there; it decides about quotes itself, on the pieces.
 */
import { bug, type SecretRef, type Text } from '#base';
import { joined } from './text.ts';
import type { Ref, Word } from './types.ts';

export interface WordSyntax {
  readonly format: string;
  readonly yes: string;
  readonly no: string;
  /** Literal text of a setting that the daemon expands; throws what it cannot hold. */
  literal(text: string, where: string): string;
  /** Text of a setting that the daemon does not expand. */
  verbatim(text: string, where: string): string;
  /** `alone`: the whole value is this reference. */
  reference?(name: string, alone: boolean): string;
  /** False where a `$` is expanded even between quotes, so that a secret may not stand there. */
  readonly secrets: boolean;
}

const secretPiece = (secret: SecretRef, syntax: WordSyntax, where: string): SecretRef => {
  if (!syntax.secrets) throw bug(`a secret in ${syntax.format} (${where}): '$' is special there`);
  return { secret: secret.secret };
};

const refPiece = (name: string, alone: boolean, syntax: WordSyntax, where: string): string => {
  if (syntax.reference === undefined) throw bug(`${syntax.format} has no references (${where})`);
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:|,=() '%-]*$/.test(name)) throw bug(`${JSON.stringify(name)} cannot be a reference (${where})`);
  return syntax.reference(name, alone);
};

const number = (value: number, where: string): string => {
  if (!Number.isFinite(value) || String(value).includes('e')) throw bug(`${value} cannot be written as a number (${where})`);
  return String(value);
};

/** The value's pieces without quotes around them; nothing for an empty string. */
export const piecesOf = (word: Word, syntax: WordSyntax, where: string): Text => {
  if (typeof word === 'string') return joined(syntax.literal(word, where));
  if (typeof word === 'number') return [number(word, where)];
  if (typeof word === 'boolean') return [word ? syntax.yes : syntax.no];
  if ('secret' in word) return [secretPiece(word, syntax, where)];
  if ('ref' in word) return [refPiece(word.ref, true, syntax, where)];
  if ('verbatim' in word) return joined(syntax.verbatim(word.verbatim, where));
  if ('template' in word)
    return joined(
      ...word.template.map((part: string | SecretRef | Ref) => {
        if (typeof part === 'string') return syntax.literal(part, where);
        return 'secret' in part ? secretPiece(part, syntax, where) : refPiece(part.ref, false, syntax, where);
      }),
    );
  throw bug(`${syntax.format} has no ${'setting' in word ? 'values of other settings' : 'contents of files'} (${where})`);
};
