/** docs/options.md: all options, for readers in a browser. */
import { explainAll, type OptionDoc, type SectionDoc } from './explain.ts';

const code = (text: string): string => `\`${text}\``;

/** Text of ours; what Markdown would take for markup is escaped. */
const prose = (text: string): string => text.replace(/[\\`*_<>[\]|]/g, '\\$&');

const standard = (option: OptionDoc): string => {
  if (option.required) return 'none, it must be there';
  if (option.default === undefined) return 'none';
  return option.auto === undefined ? code(option.default) : `${code(option.default)}: ${prose(option.auto)}`;
};

const optionText = (option: OptionDoc): string => `### ${code(option.key)}

${prose(option.doc)}

- Allowed: ${prose(option.allowed)}
- Default: ${standard(option)}
- Why: ${prose(option.why)}
- Since: ${option.since}

\`\`\`toml
${option.example}
\`\`\`
`;

const sectionText = (section: SectionDoc): string => `## ${code(`[${section.key}]`)}

${prose(section.doc)}

${section.options.map(optionText).join('\n')}`;

const HEAD = `# Options of hauspost.toml

<!-- Made from src/config by \`npm run docs\`; a test compares. Change the declarations, not this file. -->

\`/etc/hauspost/hauspost.toml\` says what the operator wants of the machine. Domains, accounts, aliases and TLS policies are not in it: they live in
the database and count at once. \`hauspost config check\` looks for mistakes, \`hauspost config explain KEY\` prints one entry of this page,
\`hauspost config example\` prints a complete file. Changes count after \`hauspost apply\`.

Values that are text stand in double quotes. Sizes are written with M, G or T (2^20, 2^30, 2^40 octets; \`"500 MB"\` and \`"500 MiB"\`
are \`"500M"\` as well), durations with h, d or w. An option whose default is \`"auto"\` is decided by the profile and the machine until you write a value.
`;

export const optionsMarkdown = (): string => `${[HEAD, ...explainAll().map(sectionText)].join('\n').trimEnd()}\n`;
