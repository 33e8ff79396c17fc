/** The documentation of an option or a section as data, from its declaration; faces and documents only lay it out. */
import { operatorError } from '#base';
import { nearest } from '#base';
import type { Option, Section } from './option.ts';
import { SECTIONS } from './sections.ts';
import { written, writtenDefault } from './written.ts';

export interface OptionDoc {
  readonly what: 'option';
  /** `mail.message_size_limit` */
  readonly key: string;
  /** `a size, in quotes` */
  readonly type: string;
  /** `a size from "1M" to "1G", in M, G or T` */
  readonly allowed: string;
  readonly required: boolean;
  /** As it is written in the file; none where the option is required, or there is no such setting without it. */
  readonly default?: string;
  /** What "auto" comes to, where the default is "auto". */
  readonly auto?: string;
  readonly doc: string;
  readonly why: string;
  /** A whole line of the file. */
  readonly example: string;
  /** Version of Hauspost. */
  readonly since: string;
}

export interface SectionDoc {
  readonly what: 'section';
  readonly key: string;
  readonly doc: string;
  readonly options: readonly OptionDoc[];
}

const explainOption = (section: Section, option: Option): OptionDoc => {
  const standard = writtenDefault(option.default);
  return {
    what: 'option',
    key: `${section.name}.${option.key}`,
    type: option.kind.name,
    allowed: option.kind.allowed,
    required: option.default.is === 'required',
    ...(standard === undefined ? {} : { default: standard }),
    ...(option.default.is === 'auto' ? { auto: option.default.rule } : {}),
    doc: option.doc,
    why: option.why,
    example: `${option.key} = ${written(option.example)}`,
    since: option.since,
  };
};

const explainSection = (section: Section): SectionDoc => ({
  what: 'section',
  key: section.name,
  doc: section.doc,
  options: Object.values(section.options).map((option) => explainOption(section, option)),
});

/** All of it, in the order of the file. */
export const explainAll = (): readonly SectionDoc[] => Object.values(SECTIONS).map(explainSection);

/** The only option that has the word in its name: `mail.quota` is `mail.default_quota`. Else the section that was named. */
const byWord = (key: string, options: readonly string[]): string | undefined => {
  const [section = '', word = ''] = key.split('.');
  const there = options.filter((option) => option.startsWith(`${section}.`));
  const having = there.filter((option) =>
    option
      .slice(section.length + 1)
      .split('_')
      .includes(word),
  );
  return having.length === 1 ? having[0] : there.length === 0 ? undefined : section;
};

/** The one that was meant: the nearest name, or the only option that is called so in some section. */
const suggestion = (key: string, sections: readonly SectionDoc[]): string | undefined => {
  const options = sections.flatMap(({ options: all }) => all.map((option) => option.key));
  const namesakes = options.filter((option) => option.split('.')[1] === key);
  if (namesakes.length === 1) return namesakes[0];
  const near = nearest(key, [...sections.map((section) => section.key), ...options]);
  if (near !== undefined) return near;
  if (key.includes('.')) return byWord(key, options);
  // Who writes the option without its section, and not quite.
  const name = nearest(
    key,
    options.flatMap((option) => option.split('.')[1] ?? []),
  );
  return options.find((option) => option.split('.')[1] === name);
};

/** `mail` or `mail.message_size_limit`. Throws `config.unknown-key`. */
export const explain = (key: string): SectionDoc | OptionDoc => {
  const sections = explainAll();
  const found = sections.flatMap((section) => [section, ...section.options]).find((entry) => entry.key === key);
  if (found !== undefined) return found;
  const near = suggestion(key, sections);
  throw operatorError({
    code: 'config.unknown-key',
    message: `there is no option or section ${JSON.stringify(key.slice(0, 80))}`,
    remedy: near === undefined ? `Sections: ${sections.map((section) => section.key).join(', ')}.` : `Ask for ${near}.`,
    detail: { value: key.slice(0, 300), ...(near === undefined ? {} : { suggestion: near }) },
  });
};
