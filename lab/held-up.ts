/** A command of ours at the very moment at which it runs some program: that one is held up until the test goes on. */
import type { Machine } from './machine.ts';
import { HAUSPOST } from './mail.ts';
import { collect, ended, succeeded, until } from './process.ts';

export interface HeldUp {
  /** The program is gone without a word; the command hears of it and comes to its end: its exit code. */
  readonly losesProgram: () => Promise<number>;
  /** Both are gone without a word. */
  readonly killed: () => Promise<void>;
}

/** `before`: shell lines that run first, with the program's arguments as "$@". */
export const heldUp = async (machine: Machine, program: string, words: readonly string[], before = ''): Promise<HeldUp> => {
  const sh = async (script: string, input = ''): Promise<void> =>
    void succeeded(['sh', '-c', script], await machine.run(['sh', '-c', script], { input }));
  const place = `/usr/local/sbin/${program}`;
  await sh(`rm -f /run/held; cat >${place}; chmod 755 ${place}`, `#!/bin/sh\n${before}echo $$ >/run/held\nexec sleep 600\n`);
  const child = machine.spawn(['sh', '-c', '"$@" & echo $!; wait $!', 'sh', HAUSPOST, ...words]);
  const said = collect(child.stdout);
  const isHeld = async (): Promise<true | undefined> => (await machine.run(['test', '-s', '/run/held'])).code === 0 || undefined;
  await until(`${program} is held up`, isHeld, 300_000, 100);
  const end = async (script: string): Promise<number> => {
    await sh(`${script} kill -KILL $(cat /run/held); rm /run/held ${place}`);
    return ended(child);
  };
  return {
    losesProgram: () => end(''),
    killed: async () => void (await end(`kill -KILL ${said.text().split('\n')[0]};`)),
  };
};
