/** `config check`, `explain`, `example` for a person. */
import type { HauspostError } from '#base';
import { type ConfigProblem, describeProblem } from '#config';
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

export const check = ({ file }: OutputOf<'config check'>): string =>
  `${file} is right. Whether it fits this machine, its addresses for instance, 'hauspost plan' says.\n`;

export const example = ({ text }: OutputOf<'config example'>): string => text;

/** Every mistake on a line of its own with its place, and below it what to write instead. */
export const problems = ({ detail }: HauspostError): string => {
  const list = detail['problems'] as readonly ConfigProblem[]; // what configError put there
  const count = list.length === 1 ? '' : `hauspost: ${list.length} mistakes\n`;
  return `${list.map((problem) => `${describeProblem(problem)}\n  ${problem.remedy}\n`).join('')}${count}`;
};
