/** The journal of a machine with systemd: all of it, or only what is new, for those who look again and again. */
import type { Inside } from './enter.ts';

const READ = ['journalctl', '--no-pager', '--output=short-monotonic'] as const;

/** Each time anew, as it is now. */
export const wholeJournal = async (machine: Inside): Promise<string> => (await machine.run(READ)).stdout;

const CURSOR = '-- cursor: ';

interface Known {
  readonly text: string;
  /** Of the last entry. */
  readonly cursor: string;
}

/** Without the cursor that stands behind the last entry; undefined where there is none: nothing was read, or the reading ended early. */
const readFrom = async (machine: Inside, ...from: readonly string[]): Promise<Known | undefined> => {
  const { stdout } = await machine.run([...READ, '--show-cursor', ...from]);
  const end = stdout.lastIndexOf(CURSOR);
  return end === -1 ? undefined : { text: stdout.slice(0, end), cursor: stdout.slice(end + CURSOR.length).trimEnd() };
};

/** Where the last entry begins: further lines of an entry are indented, and boots part by lines with `--`. */
const lastEntry = (text: string): number => text.lastIndexOf('\n[') + 1;

/** Begins with the entry that was the last one: if it is not there any more, what stands at its cursor is another one, and all is read. */
const continued = async (machine: Inside, { text, cursor }: Known): Promise<Known | undefined> => {
  const more = await readFrom(machine, `--cursor=${cursor}`);
  const settled = lastEntry(text);
  return more?.text.startsWith(text.slice(settled)) === true ? { text: text.slice(0, settled) + more.text, cursor: more.cursor } : undefined;
};

/** Begins anew where `leader`, the machine's process 1, is another one: a power cut may have taken entries. */
export const journalSoFar = (machine: Inside, leader: () => number): (() => Promise<string>) => {
  let known: Known | undefined;
  let of = 0;
  return async () => {
    const before = leader() === of ? known : undefined;
    of = leader();
    known = (before && (await continued(machine, before))) ?? (await readFrom(machine));
    return known?.text ?? '';
  };
};
