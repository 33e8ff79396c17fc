/** docs/figures.md: a run of a bench writes its own section, with what it measured and on what; the others stay. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '../docs/figures.md');

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const table = ([head = [], ...rows]: readonly (readonly string[])[]): string => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

const split = (page: string): readonly [string, ReadonlyMap<string, string>] => {
  const [intro = '', ...sections] = page.split(/^(?=## )/m);
  return [intro, new Map(sections.map((section) => [/^## (.*)$/m.exec(section)?.[1] ?? '', section]))];
};

/** Replaces the section of that title, or adds it. `rows` begins with the heads of the columns. */
export const record = (title: string, text: string, rows: readonly (readonly string[])[]): void => {
  const [intro, sections] = split(readFileSync(PAGE, 'utf8'));
  const where = `Measured on ${new Date().toISOString().slice(0, 10)}, on ${availableParallelism()} processors (${cpus()[0]?.model ?? 'unknown'}), with a load of ${(loadavg()[1] ?? 0).toFixed(0)} over the last five minutes.`;
  const all = new Map([...sections, [title, `## ${title}\n\n${text}\n\n${table(rows)}\n\n${where}\n\n`]]);
  const sorted = [...all].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, section]) => `${section.trimEnd()}\n`);
  writeFileSync(PAGE, [`${intro.trimEnd()}\n`, ...sorted].join('\n'));
};
