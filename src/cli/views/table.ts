/** Pieces that several views have. */
import { readable } from '#base';

type Cells = readonly string[];

/** Of each column the longest cell, and not less than `least`. */
const widthsOf = (rows: readonly Cells[], least: readonly number[] = []): readonly number[] =>
  (rows[0] ?? []).map((_, index) => rows.reduce((most, row) => Math.max(most, row[index]?.length ?? 0), least[index] ?? 0));

const aligned = (rows: readonly Cells[], widths: readonly number[]): readonly string[] =>
  rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  );

/** Aligned, two blanks between them. */
export const columns = (rows: readonly Cells[]): string => aligned(rows, widthsOf(rows)).join('\n');

/** The same, and below each row a text about it: beside it, it would be off the screen. */
export const explained = (rows: readonly { readonly cells: Cells; readonly text: string }[], head: readonly Cells[] = []): string => {
  const [shown, texts] = [columns([...head, ...rows.map(({ cells }) => cells)]).split('\n'), rows.map(({ text }) => `    ${text}`)];
  return shown.flatMap((line, index) => (index < head.length ? [line] : [line, texts[index - head.length] ?? ''])).join('\n');
};

/** How a list of any length is shown. */
export interface ListView<E> {
  /** The line that stands for an empty list. */
  readonly none: string;
  readonly head?: (first: E) => Cells;
  readonly cells: (element: E) => Cells;
}

/** Rows that are aligned with each other. */
const BLOCK = 500;

/** A list that is longer than a block is aligned block by block: a column only ever grows wider, where a block begins. */
export const lines = async function* <E>(view: ListView<E>, elements: AsyncIterable<E>): AsyncGenerator<string, void, undefined> {
  let [widths, block, empty]: [readonly number[], Cells[], boolean] = [[], [], true];
  const text = (): string => {
    widths = widthsOf(block, widths);
    return `${aligned(block, widths).join('\n')}\n`;
  };
  for await (const each of elements) {
    if (empty && view.head !== undefined) block.push(view.head(each));
    empty = false;
    block.push(view.cells(each));
    if (block.length < BLOCK) continue;
    yield text();
    block = [];
  }
  if (empty) yield `${view.none}\n`;
  else if (block.length > 0) yield text();
};

export const underWayText = (holder: string): string => `A change is being made at this moment by ${holder}; look again when it has ended.`;

export const interruptedText = (generation: number): string =>
  `A change (to generation ${generation}) was interrupted, and the machine is between two configurations: 'hauspost apply' puts it in order.`;

/** Findings as part of a result; that of a command which only looks has them at its end. */
export const attention = (findings: readonly { readonly message: string; readonly remedy: string }[]): readonly string[] =>
  findings.map(({ message, remedy }) => readable(`Attention: ${message}${message.includes('\n') ? '' : '.'}\n  ${remedy}`));
