/**
 * Committed text names no registry (whoever runs it has a mirror, or a proxy, configured) and no path of a developer's machine.
 * The patterns are written so that they do not match themselves.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from './source.ts';

const FORBIDDEN: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /registry[.](?:npmjs|yarnpkg)|npmmirror[.]com/, what: 'the host of a package registry' },
  { pattern: /(?:deb|security|ftp[a-z0-9.]*|snapshot|archive)[.]debian[.]org/, what: "the host of a Debian archive; use the machine's own sources" },
  { pattern: /(?<![A-Za-z0-9_.~$}-])\/(?:work|farm)\//, what: "a path of a developer's machine" },
  { pattern: /(?<![A-Za-z0-9_.~$}-])\/var\/tmp\/x\//, what: "a path of a developer's machine" },
  { pattern: /[.][.]\/shared\//, what: 'a path outside the checkout' },
];

const SKIPPED = new Set(['.git', 'node_modules', '.hauspost-prepare']);

export const judgeText = (file: string, text: string): readonly Problem[] =>
  text.split('\n').flatMap((line, index) =>
    FORBIDDEN.filter(({ pattern }) => pattern.test(line)).map(({ what }) => ({
      rule: 'committed-text',
      file,
      line: index + 1,
      message: `names ${what}`,
    })),
  );

function* filesBelow(root: string, folder = ''): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (SKIPPED.has(entry.name)) continue;
    const file = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(root, file);
    else if (entry.isFile() && !file.endsWith('.log')) yield file;
  }
}

export const checkText = (root: string): readonly Problem[] =>
  [...filesBelow(root)].flatMap((file) => judgeText(file, readFileSync(join(root, file), 'utf8')));
