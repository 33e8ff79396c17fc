/** A small name server in a lab network, for scenarios that need names of their own. */
import { join } from 'node:path';
import type { Holder } from './namespace.ts';
import { doNotWaitFor, ended, start } from './process.ts';
import { firstLine } from './room.ts';

export interface NameRecord {
  /** In lower case, without a dot at the end. */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'MX' | 'PTR' | 'TXT';
  /** As in a zone file: an address, `10 mail.example`, a name; ASCII text without quotes. */
  readonly data: string;
}

/** Serves `records` on port 53 of `address`, which the host must have; every other name does not exist. */
export const nameServer = async (
  { holder }: { readonly holder: Holder },
  address: string,
  records: readonly NameRecord[],
): Promise<AsyncDisposable> => {
  const program = join(import.meta.dirname, 'inside/names.ts');
  const child = start(['nsenter', `--net=${holder.netns}`, '--', process.execPath, program, address, JSON.stringify(records)]);
  await firstLine(child, 'the name server');
  doNotWaitFor(child);
  return {
    [Symbol.asyncDispose]: async () => {
      child.ref();
      child.kill('SIGKILL');
      await ended(child);
    },
  };
};
