/**
 * What becomes of each key: pending (to be published, not used), active (signs), retiring (signs no longer, stays published for mail under way), retired
 * (its record goes, and it lies nowhere). One document a domain, /var/lib/hauspost/dkim/DOMAIN/keys.json. A key that is not in it is active: so was every
 * key before there were states, and so is the first of a domain. What says that a key is not active is written before the key is, and stays until it is gone.
 */
import { z } from 'zod';
import { type AbsPath, environmentError, path } from '#base';
import type { DkimAlgorithm } from '#formats';
import type { Machine } from '#machine';

const time = z.iso.datetime();

const entry = z.object({
  algorithm: z.enum(['rsa', 'ed25519']),
  state: z.enum(['pending', 'active', 'retiring', 'retired']),
  /** In this state. */
  since: time,
  /** Of a pending key: every server of the zone has shown it from then on. */
  shown: time.optional(),
  /** Of a pending key: seconds; the longest for which somebody was told to remember that it is not there. */
  denied: z.number().optional(),
  /** Of a retiring key: a look found its time over. */
  over: time.optional(),
});

export type DkimState = z.output<typeof entry>['state'];
export interface Entry extends z.output<typeof entry> {
  readonly algorithm: DkimAlgorithm;
}
export type Entries = Readonly<Record<string, Entry>>;

const document = z.object({ keys: z.record(z.string(), entry) });

/** Where the documents lie. */
export interface Ledger {
  readonly machine: Machine;
  readonly states: AbsPath;
}

/** A folder each: with its ending a domain of 253 octets would be longer than a file's name may be. */
const fileOf = ({ states }: Ledger, domain: string): AbsPath => path(`${states}/${domain}/keys.json`);

const damaged = (file: AbsPath): Error =>
  environmentError({
    code: 'dkim.states',
    message: `${file} is damaged; nothing was changed`,
    remedy: 'Put it back from a backup. Without the file all keys of the domain count as active, and the newest one signs.',
    detail: { file },
  });

const parsed = (file: AbsPath, text: string): Entries => {
  try {
    return document.parse(JSON.parse(text)).keys;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) throw damaged(file);
    throw error;
  }
};

export const readStates = async (ledger: Ledger, domain: string): Promise<Entries> => {
  const file = fileOf(ledger, domain);
  const found = await ledger.machine.read(file);
  return found === undefined ? {} : parsed(file, found.toString());
};

export const writeStates = async (ledger: Ledger, domain: string, keys: Entries): Promise<void> => {
  await ledger.machine.makeDir(ledger.states, { owner: 'root:root', mode: 0o700 });
  await ledger.machine.write(fileOf(ledger, domain), `${JSON.stringify({ keys }, null, 1)}\n`, { owner: 'root:root', mode: 0o600 });
};
