/**
 * The checkout as the compiler sees it, for rules that need a parser or types. Rules get one file at a time and answer with
 * problems; positions are 1-based lines. The compiler's API is marked unstable, hence the exact version in package.json.
 */
import { dirname, relative } from 'node:path';
import { API, type Checker } from 'typescript/unstable/sync';
import type { Node, SourceFile } from 'typescript/unstable/ast';

export interface Problem {
  /** The rule's name; its reject file is named after it. */
  readonly rule: string;
  /** Relative to the checked root. */
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface Source {
  /** Relative to the checked root, with `/`. */
  readonly file: string;
  readonly tree: SourceFile;
  readonly checker: Checker;
  /** The file stands in the checked root, not in a dependency. */
  has(file: string): boolean;
}

export type Rule = (source: Source) => readonly Problem[];

/** Every node of the tree, parents first. */
export function* nodesOf(node: Node): Generator<Node> {
  yield node;
  const children: Node[] = [];
  node.forEachChild((child) => {
    children.push(child);
  });
  for (const child of children) yield* nodesOf(child);
}

export const problemAt = (source: Source, node: Node, rule: string, message: string): Problem => ({
  rule,
  file: source.file,
  line: source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree)).line + 1,
  message,
});

/** Runs the rules over every file that `tsconfig` names. */
export const checkProject = (tsconfig: string, rules: readonly Rule[]): readonly Problem[] => {
  const root = dirname(tsconfig);
  const api = new API({ cwd: root });
  try {
    const project = api.updateSnapshot({ openProjects: [tsconfig] }).getProjects()[0];
    if (project === undefined) throw new Error(`${tsconfig} opens no project`);
    const { program, checker } = project;
    const own = new Set(project.rootFiles.map((path) => relative(root, path)));
    return project.rootFiles.flatMap((path) => {
      const tree = program.getSourceFile(path);
      if (tree === undefined) throw new Error(`${path} cannot be read`);
      const source: Source = { file: relative(root, path), tree, checker, has: (file) => own.has(file) };
      return rules.flatMap((rule) => rule(source));
    });
  } finally {
    api.close();
  }
};
