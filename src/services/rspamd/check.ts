/**
 * Does Rspamd understand what we wrote? `rspamadm configtest` for the whole, and its JSON dump, setting by setting, for each file of
 * ours: a misspelled section is accepted silently by Rspamd, so an exit status says little. Trusts `rspamadm` to parse as the daemon does.
 */
import { isLines, isList, isRow, type Node, type Row, rowsFor, type Word } from '#formats';
import type { CheckRoom, Finding, RenderInput } from '#model';
import type { ConfFile } from './conf-file.ts';
import { confFiles } from './files.ts';
import { QUICK_NAMES } from './unit.ts';

/** It asks for the same names as the daemon: without the limit a dead resolver costs 24 s, and the check its time. */
const RSPAMADM = ['/usr/bin/env', QUICK_NAMES, '/usr/bin/rspamadm'];

/** What the dump must show; a secret is only known by its form, since this room knows no secret. */
const SECRET = /^\$[12]\$[a-z1-9]{32}\$[a-z1-9]{52}$/;

const finding = (code: string, message: string, remedy: string): Finding => ({ level: 'error', code: `rspamd.${code}`, message, remedy });

const member = (of: unknown, key: string): unknown =>
  typeof of === 'object' && of !== null ? Object.entries(of).find(([name]) => name === key)?.[1] : undefined;

const sameWord = (word: Word, dumped: unknown): boolean =>
  typeof word === 'object' && 'secret' in word ? typeof dumped === 'string' && SECRET.test(dumped) : word === dumped;

const same = ({ to }: Row, dumped: unknown): boolean => {
  if (isLines(to)) return false;
  if (!isList(to)) return sameWord(to, dumped);
  return Array.isArray(dumped) && dumped.length === to.length && to.every((word, index) => sameWord(word, dumped[index]));
};

const differences = (nodes: readonly Node[], dumped: unknown, where: string): readonly string[] =>
  nodes.flatMap((node) => {
    if (isRow(node)) return same(node, member(dumped, node.set)) ? [] : [`${where}.${node.set}`];
    const inner = member(dumped, node.block);
    return differences(
      node.rows,
      node.name === undefined ? inner : member(inner, node.name),
      `${where}.${node.block}${node.name === undefined ? '' : `.${node.name}`}`,
    );
  });

/** Workers are dumped as a list of objects, each with its type as the only key; the one classifier as such an object. */
const sectionOf = (dump: unknown, section: ConfFile['section']): unknown => {
  const found = member(dump, section[0]);
  const type = section[1];
  if (type === undefined) return found;
  const list: readonly unknown[] = Array.isArray(found) ? found : [found];
  return list.map((worker) => member(worker, type)).find((worker) => worker !== undefined);
};

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/** Dotted names of the settings that the dump does not show as they were rendered. */
export const misunderstood = (files: readonly ConfFile[], dump: unknown, version: string): readonly string[] =>
  files.flatMap(({ section, rows }) => differences(rowsFor(version, rows), sectionOf(dump, section), section.join('.')));

export const checkRspamd = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const test = await room.run([...RSPAMADM, 'configtest'], { ms: 30_000 });
  if (test.code !== 0) {
    return [
      finding(
        'config-refused',
        `rspamadm configtest exits ${test.code}: ${`${test.stdout}${test.stderr}`.trim().slice(-2000)}`,
        'Report this as a defect, with this output.',
      ),
    ];
  }
  const { code, stdout, stderr } = await room.run([...RSPAMADM, 'configdump', '--json'], { ms: 30_000 });
  const dump = code === 0 ? parsed(stdout) : undefined;
  if (dump === undefined)
    return [finding('no-dump', `rspamadm configdump exits ${code}: ${stderr.trim().slice(-2000)}`, 'Report this as a defect, with this output.')];
  return misunderstood(confFiles(input), dump, input.facts.versions.rspamd).map((setting) => ({
    ...finding(
      'misunderstood',
      `Rspamd does not show ${setting} as it was written`,
      'Report this as a defect; a file of another program below /etc/rspamd could be the cause.',
    ),
    ofRendering: true,
  }));
};
