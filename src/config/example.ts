/** A complete, commented hauspost.toml: as it stands it means the defaults; each option is there to be uncommented and changed. */
import { explainAll, type OptionDoc, type SectionDoc } from './explain.ts';

const WIDTH = 100;

/** Comment lines of at most `WIDTH` characters, broken between words. */
const comment = (text: string): string[] => {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`# ${word}`);
  }
  return lines;
};

const PROFILE = 'profile = "local"';

const line = (option: OptionDoc): string => {
  // The one option without a default; "local" opens nothing to anybody.
  if (option.key === 'server.profile') return PROFILE;
  const name = option.key.split('.')[1];
  return option.default === undefined ? `#${option.example}` : `#${name} = ${option.default}`;
};

const optionLines = (option: OptionDoc): string[] => [
  ...comment(option.doc),
  ...comment(`Why: ${option.why}`),
  ...comment(`Allowed: ${option.allowed}.`),
  ...(option.auto === undefined ? [] : comment(`"auto": ${option.auto}.`)),
  ...(option.required ? ['# Must be there.'] : []),
  ...(option.default === undefined && !option.required ? ['# No default.'] : comment(`Example: ${option.example}`)),
  line(option),
  '',
];

const sectionLines = (section: SectionDoc): string[] => [`[${section.key}]`, ...comment(section.doc), '', ...section.options.flatMap(optionLines)];

const HEAD = [
  ...comment('/etc/hauspost/hauspost.toml: what the operator of this mail server wants. Every option there is, with its default.'),
  ...comment('Uncomment what you want to change; what you leave out keeps its default, also when a later version knows a better one.'),
  ...comment('After a change: hauspost plan, then hauspost apply.'),
  '',
];

export const exampleConfig = (): string => `${[...HEAD, ...explainAll().flatMap(sectionLines)].join('\n').trimEnd()}\n`;
