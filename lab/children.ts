/**
 * Children of a process of a machine, from the kernel's own tables (proc_tid_children(5)). Read from outside: a pgrep(1) in the machine takes a hundred times
 * as long, which counts where many are waited for at once.
 */
import { readFileSync } from 'node:fs';
import { unlessGone } from './listening.ts';
import type { Machine } from './machine.ts';

/** Those of that name, as `pgrep -x -P PARENT PROGRAM` in the machine answers, of which both are numbers; none where the parent is gone. */
export const childrenOf = ({ root }: Pick<Machine, 'root'>, parent: string, program: string): readonly string[] => {
  const proc = `${root}/proc`;
  const children = unlessGone(() => readFileSync(`${proc}/${parent}/task/${parent}/children`, 'utf8'), '').split(' ');
  return children.filter((pid) => pid !== '' && unlessGone(() => readFileSync(`${proc}/${pid}/comm`, 'utf8'), '') === `${program}\n`);
};
