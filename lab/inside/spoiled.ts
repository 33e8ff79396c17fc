/**
 * The program as it is, but files of the generation that it makes are others than it meant: as a defect of ours would have made them, or as a newer
 * daemon would read them. HAUSPOST_SPOIL is a list in JSON: in `file` the text `from`, which must be there once, is `to`; `when` it is "staged", so that
 * the check sees it, or "placed", after that.
 */
import { path } from '#base';
import { run } from '#cli';
import { type Machine, thisMachine } from '#machine';

interface Rule {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly when: 'staged' | 'placed';
}
const rules = JSON.parse(process.env['HAUSPOST_SPOIL'] ?? '') as readonly Rule[];

const spoiled = (text: string, path: string, at: Rule['when']): string =>
  rules
    .filter(({ file, when }) => file === path && when === at)
    .reduce((before, { file, from, to }) => {
      if (before.split(from).length !== 2) throw new Error(`not once in ${file}: ${from}`);
      return before.replace(from, () => to);
    }, text);

const machine = thisMachine();
const STAGED = /^\/var\/lib\/hauspost\/generations\/\d+\/tree(\/.*)$/;
/** What this process has staged, and where that is to be. */
const staged = new Map<string, string>();

const spoiling: Machine = {
  ...machine,
  write: (target, content, placement) => {
    const file = STAGED.exec(target)?.[1];
    if (file === undefined) return machine.write(target, content, placement);
    staged.set(target, file);
    return machine.write(target, typeof content === 'string' ? spoiled(content, file, 'staged') : content, placement);
  },
  // From there it is copied to its place, if it differs from what stands there.
  read: async (target) => {
    const content = await machine.read(target);
    const file = staged.get(target);
    return content === undefined || file === undefined ? content : Buffer.from(spoiled(content.toString('latin1'), file, 'placed'), 'latin1');
  },
};

const self = { version: '0', program: path('/opt/hauspost/hauspost'), signal: new AbortController().signal, machine: spoiling };
process.exitCode = await run(process.argv.slice(2), self);
