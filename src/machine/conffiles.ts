/** Which of a package's own configuration files somebody has edited (dpkg-query(1), `Conffiles`: path, MD5, maybe a mark). */
import { createHash } from 'node:crypto';
import { path } from '#base';
import type { Machine } from './machine.ts';

export const editedConffiles = async (machine: Machine, packages: readonly string[]): Promise<readonly string[]> => {
  const ran = await machine.run(['dpkg-query', '-W', '-f', '${Conffiles}\\n', ...packages]);
  const edited: string[] = [];
  for (const line of ran.stdout.split('\n')) {
    const [, file, md5, mark] = /^ (\/\S+) ([0-9a-f]{32})(?: (\S+))?$/.exec(line) ?? [];
    if (file === undefined || mark !== undefined) continue;
    const content = await machine.read(path(file));
    if (content !== undefined && createHash('md5').update(content).digest('hex') !== md5) edited.push(file);
  }
  return edited;
};
