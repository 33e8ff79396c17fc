/**
 * What Dovecot understood: `doveconf -a` (all settings, defaults too, secrets hidden). It prints sizes and times in units of its
 * choice, and in 2.4 under the full name of a setting: `mailbox_auto` for `auto` within `mailbox`, `ssl_server { cert_file }` for
 * `ssl_server_cert_file`, a block of `x = yes` for a list. A value with a `#` or with blanks at its ends is quoted, no other is.
 */
import type { Text } from '#base';
import { type Mismatch, mismatch, sameQuantity, sameText } from './compare.ts';
import { settingText } from './dovecot.ts';
import { compareVersions, rowsFor } from './rows.ts';
import { type Block, isList, isRow, type Node, type Row } from './types.ts';

export interface DovecotDump {
  readonly values: ReadonlyMap<string, string>;
  readonly blocks: readonly { readonly kind: string; readonly name: string | undefined; readonly body: DovecotDump }[];
}

/** How doveconf shows a password, a private key, and what looks like a password within a value. */
const HIDDEN = /^# hidden, use -P to show it$|#hidden_use-P_to_show#/;

const unquoted = (text: string): string => (/^".*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : text);

const ASSIGNMENT = /^("(?:[^"\\]|\\.)*"|[^\s"]+) =(?: (.*))?$/;
const HEAD = /^([^\s"]+)(?: (.*))? \{$/;

/** The tree of `doveconf -a` or `-n`. Values stay as they are printed. */
export const parseDoveconf = (dump: string): DovecotDump => {
  const root = { values: new Map<string, string>(), blocks: [] as DovecotDump['blocks'][number][] };
  const open = [root];
  for (const raw of dump.split('\n')) {
    const line = raw.replace(/^ +/, '');
    const at = open.at(-1) ?? root;
    const assignment = ASSIGNMENT.exec(line);
    const head = HEAD.exec(line);
    if (line.startsWith('#')) continue;
    if (assignment?.[1] !== undefined) at.values.set(unquoted(assignment[1]), assignment[2] ?? '');
    else if (line === '}') open.pop();
    else if (head?.[1] !== undefined) {
      const body = { values: new Map<string, string>(), blocks: [] };
      at.blocks.push({ kind: head[1], name: head[2] === undefined ? undefined : unquoted(head[2]), body });
      open.push(body);
    }
  }
  return root;
};

/**
 * The ways in which doveconf may print the text: as it is; quoted if it has a `#` or a blank at an end, or, in 2.4, if it was an
 * element of a list; and with the quotes lost where 2.4 looked for something to hide.
 */
const printed = (text: string): readonly string[] => {
  const escaped = text.replace(/["'\\]/g, '\\$&');
  return /#|^[ \t]|[ \t]$/.test(text) ? [`"${escaped}"`, escaped] : [text, `"${escaped}"`];
};

const sameValue = (expected: Text, actual: string): boolean => {
  const [only, ...more] = expected.length === 0 ? [''] : expected;
  if (typeof only !== 'string' || more.length > 0) return HIDDEN.test(actual) || sameText(expected, actual);
  if (only.startsWith('<') && HIDDEN.test(actual)) return true;
  return printed(only).includes(actual) || sameQuantity(only, actual) || actual.includes('#hidden_use-P_to_show#');
};

/** Elements in order; behind `$mail_plugins` stands what was set outside, so only the end counts. */
const sameList = (expected: readonly string[], actual: readonly string[]): boolean => {
  const own = expected.filter((element) => !/^\$/.test(element));
  const tail = own.length === expected.length ? actual : actual.slice(-own.length);
  return own.length === tail.length && own.every((element, index) => element === tail[index]);
};

const listIn = (key: string, at: DovecotDump): readonly string[] | undefined => {
  const block = at.blocks.find((each) => each.kind === key && each.name === undefined);
  if (block !== undefined) return [...block.body.values].filter(([, value]) => value === 'yes').map(([element]) => element);
  return at.values.get(key)?.split(/[ ,]+/).map(unquoted);
};

interface Place {
  readonly dump: DovecotDump;
  readonly root: DovecotDump;
  readonly kind: string | undefined;
  readonly path: string;
}

/** The value under any of the names that doveconf may use; last, the default that is printed at the top. */
const valueAt = (key: string, { dump, root, kind }: Place): string | undefined => {
  const full = kind === undefined ? key : `${kind}_${key}`;
  const within = [key, full].flatMap((name) =>
    // What was set stands in the block; the same name outside of it then shows the default.
    [
      ...dump.blocks
        .filter((block) => block.name === undefined && name.startsWith(`${block.kind}_`))
        .map((block) => block.body.values.get(name.slice(block.kind.length + 1))),
      dump.values.get(name),
    ],
  );
  return within.find((value) => value !== undefined) ?? (kind === undefined ? undefined : root.values.get(full));
};

const compareRow = (row: Row, is24: boolean, place: Place): readonly Mismatch[] => {
  const key = `${place.path}${row.set}`;
  const expected = settingText(row, is24);
  if (isList(row.to)) {
    const actual = listIn(row.set, place.dump);
    const words = expected
      .map((piece) => (typeof piece === 'string' ? piece : ''))
      .join('')
      .split(' ')
      .filter((word) => word !== '');
    return sameList(
      words,
      (actual ?? []).filter((word) => word !== ''),
    )
      ? []
      : [mismatch(key, expected, actual?.join(' '))];
  }
  const actual = valueAt(row.set, place);
  return actual !== undefined && sameValue(expected, actual) ? [] : [mismatch(key, expected, actual)];
};

const compareBlock = (block: Block, index: number, is24: boolean, place: Place): readonly Mismatch[] => {
  const kinds = [block.block, `${place.kind ?? ''}_${block.block}`];
  const found = place.dump.blocks.filter((each) => kinds.includes(each.kind) && each.name === block.name)[index];
  const path = `${place.path}${block.block}${block.name === undefined ? '' : ` ${block.name}`} > `;
  // A block without a difference to the defaults may be missing: its rows then are looked up among these.
  const dump = found?.body ?? { values: new Map(), blocks: [] };
  return compareNodes(block.rows, is24, { ...place, dump, kind: block.block, path });
};

const compareNodes = (nodes: readonly Node[], is24: boolean, place: Place): readonly Mismatch[] =>
  nodes.flatMap((node, at) => {
    if (isRow(node)) return compareRow(node, is24, place);
    const before = nodes.slice(0, at).filter((other) => !isRow(other) && other.block === node.block && other.name === node.name);
    return compareBlock(node, before.length, is24, place);
  });

/** `doveconfA`: standard output of `doveconf -a`. What we did not set is not looked at. */
export const compareDovecot = (nodes: readonly Node[], version: string, doveconfA: string): readonly Mismatch[] => {
  const root = parseDoveconf(doveconfA);
  return compareNodes(rowsFor(version, nodes), compareVersions(version, '2.4') >= 0, { dump: root, root, kind: undefined, path: '' });
};
