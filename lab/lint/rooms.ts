/**
 * Rooms import one way and by front doors only: `#room`, which package.json maps to the room's index.ts. Inside a room imports
 * are relative and do not leave it; a folder with an index.ts is entered by it. Services do not know each other;
 * their tests may bring two together.
 * lab, bench and tests may come in by every front door, the lab's and their own included, but never past one. `x.lab.ts` beside a
 * module helps its tests and counts as one; the program imports neither.
 */
import { dirname, join, relative } from 'node:path/posix';
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isStringLiteral,
} from 'typescript/unstable/ast/is';
import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import { nodesOf, type Problem, problemAt, type Rule, type Source } from './source.ts';

/** A room may import from the lines above its own. Rooms on one line do not know each other. */
const FLOORS: readonly (readonly string[])[] = [
  ['base'],
  ['formats', 'machine'],
  // Resolving `auto` asks the facts.
  ['config'],
  ['model'],
  ['directory'],
  ['services'],
  ['sandbox'],
  ['apply'],
  ['selftest', 'tls', 'dkim', 'dns', 'learning'],
  ['operations'],
  ['cli'],
];

const floorOf = (room: string): number => FLOORS.findIndex((rooms) => rooms.includes(room));

/** `src/services/postfix/main.ts` is in the room `services`; `lab/net.ts` in `lab`. */
const roomOf = (file: string): string => {
  const [top = '', second = ''] = file.split('/');
  return top === 'src' ? second : top;
};

const rootOf = (room: string): string => (room === 'lab' || room === 'bench' ? room : `src/${room}`);

const isTest = (file: string): boolean => /\.(?:test|lab)\.ts$/.test(file);

const seesEverything = (file: string): boolean => !file.startsWith('src/') || isTest(file);

const throughDoor = (source: Source, room: string, door: string): Omit<Problem, 'file' | 'line'> | undefined => {
  const target = door.slice(1);
  if (target.includes('/')) return { rule: 'front-door', message: `${door} reaches past the front door of ${target.split('/')[0]}` };
  if (target === room && !isTest(source.file)) return { rule: 'front-door', message: `inside ${room} imports are relative, not ${door}` };
  if (seesEverything(source.file)) return undefined;
  const [from, to] = [floorOf(room), floorOf(target)];
  if (from < 0) return { rule: 'one-way', message: `the room ${room} has no place in the order of rooms; add it to lab/lint/rooms.ts` };
  if (to < 0 || to >= from) return { rule: 'one-way', message: `${room} may not import ${door}: imports go from base towards cli` };
  return undefined;
};

/** The outermost folder that has a front door and is entered by the import from `file` to `target`. */
const entered = (source: Source, target: string): string | undefined => {
  const steps = relative(dirname(source.file), dirname(target))
    .split('/')
    .filter((step) => step !== '..' && step !== '');
  return steps.map((_, index) => join(dirname(target), ...steps.slice(index + 1).map(() => '..'))).find((folder) => source.has(`${folder}/index.ts`));
};

const inside = (source: Source, room: string, specifier: string): Omit<Problem, 'file' | 'line'> | undefined => {
  const target = join(dirname(source.file), specifier);
  if (!target.startsWith(`${rootOf(room)}/`))
    return { rule: 'front-door', message: `${specifier} leaves ${room}; other rooms are imported as #room` };
  if (isTest(target) && !isTest(source.file)) return { rule: 'test-only', message: `${specifier} helps tests; the program may not need it` };
  const [from, to] = [source.file, target].map((file) => /^src\/services\/([^/]+)\//.exec(file)?.[1]);
  if (from !== undefined && to !== undefined && from !== to && !isTest(source.file))
    return { rule: 'service-apart', message: `service ${from} may not know ${to}; what they share is in the Wiring` };
  const folder = entered(source, target);
  if (folder !== undefined && target !== `${folder}/index.ts`) return { rule: 'front-door', message: `${folder} is entered by its index.ts` };
  return undefined;
};

/** Where an import, export-from, dynamic import or import type names its module. */
const specifierOf = (node: Node): Node | undefined => {
  if (isImportDeclaration(node)) return node.moduleSpecifier;
  if (isExportDeclaration(node)) return node.moduleSpecifier;
  if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) return node.arguments[0];
  if (isImportTypeNode(node) && isLiteralTypeNode(node.argument)) return node.argument.literal;
  return undefined;
};

export const rooms: Rule = (source) => {
  const room = roomOf(source.file);
  return [...nodesOf(source.tree)].flatMap((node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined || !isStringLiteral(specifier)) return [];
    const name = specifier.text;
    const problem = name.startsWith('#') ? throughDoor(source, room, name) : /^\.{0,2}\//.test(name) ? inside(source, room, name) : undefined;
    return problem === undefined ? [] : [problemAt(source, specifier, problem.rule, problem.message)];
  });
};
