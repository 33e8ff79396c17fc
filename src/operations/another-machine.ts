/**
 * A copy of the server, started from a backup or a snapshot: it has the right to publish, and its own addresses, and would lead the world to itself. So
 * nothing is published, and no DKIM key goes on, that nobody has asked for, until `dns push` has shown what changes and somebody has agreed.
 */
import { type AbsPath, HauspostError, path } from '#base';
import { addressesIn, type Claims, claims, isAnother, type Marks, marksOf } from '#dns';
import type { Finding, RenderInput } from '#model';
import type { Context } from './operation.ts';

/** Which records in DNS are ours. */
export const claimsFile = ({ wiring: { places } }: Pick<RenderInput, 'wiring'>): AbsPath => path(`${places.state}/dns-published.json`);

const isByHand = ({ settings: { dns, profile } }: RenderInput): boolean => dns.update === null || profile === 'local';

/** Who published, and this machine. */
export interface Publisher {
  readonly by: Marks;
  readonly here: Marks;
}

export const isCopy = ({ by, here }: Publisher): boolean => isAnother(by, here);

/** Who counts as the publisher from now on. `agreed`: somebody has seen all that changes. */
export const publisherAfter = ({ by, here }: Publisher, agreed: boolean): Marks => {
  if (agreed) return here;
  return isAnother(by, here) ? by : { ...by, ...here };
};

export const publisher = async ({ machine }: Context, { by }: Pick<Claims, 'by'>): Promise<Publisher> => ({ by, here: await marksOf(machine) });

/** Of the server's own name, by this machine. Where nobody can say, none. */
export const publishedAddresses = async (context: Context, input: RenderInput): Promise<ReadonlySet<string>> => {
  if (isByHand(input)) return new Set();
  const { hostname } = input.settings;
  try {
    const claimed = await claims(context.machine, claimsFile(input));
    return isCopy(await publisher(context, claimed)) ? new Set() : addressesIn(claimed, hostname);
  } catch (error) {
    if (error instanceof HauspostError && error.code === 'store.damaged') return new Set();
    throw error;
  }
};

const FOUND: Finding = {
  level: 'warning',
  code: 'dns.another-machine',
  message:
    'what this server has in DNS was published by another machine, of which this one seems to be a copy: nothing is published from here by itself, and DKIM keys stay as they are',
  remedy: "If it takes the other one's place: 'hauspost dns push', which shows first what changes. If it is there to try something, leave it so.",
};

/** Undefined: this machine has published, or nobody has. Throws `store.damaged`. */
export const copyFound = async (context: Context, input: RenderInput): Promise<Finding | undefined> => {
  if (isByHand(input)) return undefined;
  return isCopy(await publisher(context, await claims(context.machine, claimsFile(input)))) ? FOUND : undefined;
};

export const copyFindings = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => {
  try {
    const found = await copyFound(context, input);
    return found === undefined ? [] : [found];
  } catch (error) {
    if (!(error instanceof HauspostError) || error.code !== 'store.damaged') throw error;
    return [{ level: 'error', code: error.code, message: error.message, remedy: error.remedy }];
  }
};
