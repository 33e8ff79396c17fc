/** `config check`, `explain`, `example` for a person. */
import type { OutputOf } from '#operations';

type Explained = OutputOf<'config explain'>;

const option = (each: Extract<Explained, { what: 'option' }>): string =>
  [
    each.key,
    `  ${each.doc}`,
    `  ${each.why}`,
    `  Value:   ${each.allowed}`,
    `  Default: ${each.required ? 'none, it must be set' : (each.default ?? 'none')}${each.auto === undefined ? '' : `: ${each.auto}`}`,
    `  Example: ${each.example}`,
  ].join('\n');

export const explain = (each: Explained): string =>
  each.what === 'option' ? `${option(each)}\n` : `[${each.key}]  ${each.doc}\n\n${each.options.map(option).join('\n\n')}\n`;

export const check = ({ file }: OutputOf<'config check'>): string => `${file} is right.\n`;

export const example = ({ text }: OutputOf<'config example'>): string => text;
