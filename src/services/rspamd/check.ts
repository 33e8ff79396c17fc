/**
 * Does Rspamd understand what we wrote? `rspamadm configtest` for the whole, and its JSON dump, setting by setting, for each file of
 * ours: a misspelled section is accepted silently by Rspamd, so an exit status says little. Trusts `rspamadm` to parse as the daemon does.
 */
import { redacted } from '#base';
import { isLines, isList, isRow, type Node, renderUcl, type Row, rowsFor, type Word } from '#formats';
import type { CheckRoom, Finding, Place, ReadText, RenderInput } from '#model';
import { at, ofRendering, placeNamed, readIn, settingIn } from '../places.ts';
import { type ConfFile, confPath } from './conf-file.ts';
import { confFiles } from './files.ts';
import { QUICK_NAMES } from './unit.ts';

/** It asks for the same names as the daemon: without the limit a dead resolver costs 24 s, and the check its time. */
const RSPAMADM = ['/usr/bin/env', QUICK_NAMES, '/usr/bin/rspamadm'];

/** What the dump must show; a secret is only known by its form, since this room knows no secret. */
const SECRET = /^\$[12]\$[a-z1-9]{32}\$[a-z1-9]{52}$/;

const DEFECT = 'This is a defect of Hauspost; please report it with this output.';

const finding = (code: string, message: string, place?: Place, remedy = DEFECT): Finding => ({
  level: 'error',
  code: `rspamd.${code}`,
  message,
  ...at(place),
  remedy,
});

/** Of a value that it cannot use it names only the option, and of a module's the module: `in option max_message`, `unknown worker attribute: x`. */
const OPTION = /\b(?:in option|worker attribute:) "?(\w+)/;
const MODULE = /invalid config for (\w+): field "(\w+)"/;
/** Those with options of the program itself. */
const FILES = ['options.inc', 'logging.inc', 'worker-proxy.inc', 'worker-controller.inc'];

export const placeIn = async (words: string, read: ReadText): Promise<Place | undefined> => {
  const named = await placeNamed(words, read);
  const [, module, field] = MODULE.exec(words) ?? [];
  const option = field ?? OPTION.exec(words)?.[1];
  if (named !== undefined || option === undefined) return named;
  for (const name of module === undefined ? FILES : [`${module}.conf`]) {
    const file = confPath({ name });
    const place = settingIn(file, await read(file), [option]);
    if (place !== undefined) return place;
  }
  return undefined;
};

const member = (of: unknown, key: string): unknown =>
  typeof of === 'object' && of !== null ? Object.entries(of).find(([name]) => name === key)?.[1] : undefined;

const sameWord = (word: Word, dumped: unknown): boolean =>
  typeof word === 'object' && 'secret' in word ? typeof dumped === 'string' && SECRET.test(dumped) : word === dumped;

const same = ({ to }: Row, dumped: unknown): boolean => {
  if (isLines(to)) return false;
  if (!isList(to)) return sameWord(to, dumped);
  return Array.isArray(dumped) && dumped.length === to.length && to.every((word, index) => sameWord(word, dumped[index]));
};

interface Difference {
  /** Blocks around the setting, and its name. */
  readonly path: readonly string[];
  /** As JSON; of a secret only its name. */
  readonly wanted: string;
  readonly got: string;
}

const difference = (row: Row, dumped: unknown, where: readonly string[]): Difference => {
  const wanted = JSON.stringify(row.to);
  return { path: [...where, row.set], wanted, got: wanted.includes('{"secret":') ? 'something else' : JSON.stringify(dumped ?? null) };
};

const differences = (nodes: readonly Node[], dumped: unknown, where: readonly string[]): readonly Difference[] =>
  nodes.flatMap((node) => {
    if (isRow(node)) {
      const value = member(dumped, node.set);
      return same(node, value) ? [] : [difference(node, value, where)];
    }
    const inner = member(dumped, node.block);
    const [found, head] = node.name === undefined ? [inner, node.block] : [member(inner, node.name), `${node.block} ${node.name}`];
    return differences(node.rows, found, [...where, head]);
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

/** The settings that the dump does not show as they were rendered; `name` is dotted, with the section. */
export const misunderstood = (
  files: readonly ConfFile[],
  dump: unknown,
  version: string,
): readonly (Difference & { readonly conf: ConfFile; readonly name: string })[] =>
  files.flatMap((conf) =>
    differences(rowsFor(version, conf.rows), sectionOf(dump, conf.section), []).map((each) => ({
      ...each,
      conf,
      name: [...conf.section, ...each.path.flatMap((head) => head.split(' '))].join('.'),
    })),
  );

/** Of the program's own section: 3.4 takes it and does not tell of it. */
const UNTOLD = ['dns'];

/** What the program has no use for, its dump shows all the same; `confighelp` tells which options it has. */
export const unknownOptions = (conf: ConfFile, version: string, help: unknown): readonly string[] => {
  const known = member(help, 'options');
  const names = rowsFor(version, conf.rows).map((node) => (isRow(node) ? node.set : node.block));
  return names.filter((name) => !UNTOLD.includes(name) && member(known, name) === undefined);
};

const unknown = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const { stdout } = await room.run([...RSPAMADM, 'confighelp', '--json', '--compact', 'options'], { ms: 30_000 });
  const version = input.facts.versions.rspamd;
  return confFiles(input)
    .filter(({ section }) => section[0] === 'options')
    .flatMap((conf) =>
      unknownOptions(conf, version, parsed(stdout)).map((name) =>
        ofRendering(finding('unknown', `rspamadm confighelp knows no options.${name}`, settingIn(confPath(conf), textOf(conf, version), [name]))),
      ),
    );
};

const textOf = (conf: ConfFile, version: string): string => redacted(renderUcl(conf.rows, version));

export const checkRspamd = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const test = await room.run([...RSPAMADM, 'configtest'], { ms: 30_000 });
  const said = `${test.stdout}${test.stderr}`.trim().slice(-2000);
  // It ends with 0 where it only complains: of a worker's attribute (3.12) and of a module's field.
  if (test.code !== 0 || OPTION.test(said) || MODULE.test(said))
    return [finding('config-refused', `rspamadm configtest exits ${test.code}: ${said}`, await placeIn(said, readIn(room)))];
  const { code, stdout, stderr } = await room.run([...RSPAMADM, 'configdump', '--json'], { ms: 30_000 });
  const dump = code === 0 ? parsed(stdout) : undefined;
  if (dump === undefined) return [finding('no-dump', `rspamadm configdump exits ${code}: ${stderr.trim().slice(-2000)}`)];
  const version = input.facts.versions.rspamd;
  const misread = misunderstood(confFiles(input), dump, version).map(({ conf, path, name, wanted, got }) =>
    ofRendering(
      finding(
        'misread',
        `${name}: written ${wanted}, understood ${got}`,
        settingIn(confPath(conf), textOf(conf, version), path),
        `${DEFECT} A file of another program below /etc/rspamd could be the cause.`,
      ),
    ),
  );
  return [...misread, ...(await unknown(room, input))];
};
