/** Packages that apt takes away for ours: named before the yes, and by `plan`, as what it puts there is. */
import assert from 'node:assert/strict';
import { type Machine, oneDocument, readyOn } from '../index.ts';
import { shell } from './first-question.ts';

/** Those that the question names; a path is none. */
export const takenAway = (asked: string): readonly string[] => /^ {2}remove ([^/\n]+(?:\n {6}[^/\n]+)*)$/m.exec(asked)?.[1]?.split(/\s+/) ?? [];

export const installedOn = async (machine: Machine): Promise<readonly string[]> =>
  (await shell(machine, "dpkg-query -W -f '${db:Status-Abbrev}${Package}\\n'")).split('\n').filter((line) => line.startsWith('ii '));

/** Somebody's package that cannot be there beside one of ours. */
const OTHER = `dpkg --remove dns-root-data && mkdir -p /root/other/DEBIAN && cat >/root/other/DEBIAN/control <<EOF
Package: other-roots
Version: 1
Architecture: all
Maintainer: nobody@example.org
Conflicts: dns-root-data
Description: roots of somebody's own
EOF
dpkg-deb --build /root/other /root/other.deb && dpkg --install /root/other.deb`;

/** On a server. */
export const namedByPlan = async (machine: Machine): Promise<void> => {
  const planned = async (): Promise<unknown> => {
    const { changes } = oneDocument(await readyOn(machine).run(['plan', '--json'])) as { changes: readonly Record<string, unknown>[] };
    return changes.map(({ kind, action, target }) => [kind, action, target]);
  };
  await shell(machine, OTHER);
  assert.deepEqual(await planned(), [
    ['package', 'install', 'dns-root-data'],
    ['package', 'remove', 'other-roots'],
  ]);
  assert.match((await readyOn(machine).run(['plan'])).stdout, /^install dns-root-data\nremove other-roots\n\n2 changes\./);
  const { code, stderr } = await readyOn(machine).run(['apply']);
  assert.deepEqual([code, takenAway(stderr)], [3, ['other-roots']], stderr);
  await shell(machine, 'dpkg --remove other-roots');
  assert.deepEqual(await planned(), [['package', 'install', 'dns-root-data']]);
};
