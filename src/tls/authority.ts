/**
 * What lies where daemons read the chain while a public authority is asked: what it signed last for the key that is there; until there is such a
 * certificate, what our own authority signs for the same key, so that TLS works from the first moment on, and DANE for good.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { AbsPath } from '#base';
import { contentAt, followed, type Machine } from '#machine';
import { ensureOwnCa, type OwnCaRequest, wantedOfOwnCa } from './own-ca.ts';

export interface SignedRequest extends OwnCaRequest {
  /** What the authority signed last: a copy, for when somebody has put another chain in place meanwhile. */
  readonly kept: AbsPath;
}

interface Found {
  readonly chain: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly ca: Buffer | undefined;
  readonly kept: Buffer | undefined;
}

const look = async (machine: Machine, { chain, key, ca, kept }: SignedRequest): Promise<Found> => ({
  chain: await contentAt(machine, chain),
  key: await contentAt(machine, key),
  ca: await contentAt(machine, ca),
  kept: await contentAt(machine, kept),
});

/** The first certificate of the chain was made for that key; false also where one of them cannot be read. */
export const belongsTo = (chain: Buffer | undefined, key: Buffer | undefined): boolean => {
  try {
    return chain !== undefined && key !== undefined && new X509Certificate(chain).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false; // no certificate, no key
  }
};

/** Signed by the authority whose certificate that is. */
export const isSignedBy = (chain: Buffer | undefined, ca: Buffer | undefined): boolean => {
  try {
    return chain !== undefined && ca !== undefined && new X509Certificate(chain).verify(new X509Certificate(ca).publicKey);
  } catch {
    return false; // the same
  }
};

/** What is to be put in place; undefined: nothing, or what our own authority wants. */
const better = ({ chain, key, kept }: Found): Buffer | undefined =>
  kept !== undefined && belongsTo(kept, key) && chain?.equals(kept) !== true ? kept : undefined;

/** A certificate of the authority, or of anybody but ours, for the key that is there. */
const stays = ({ chain, key, ca }: Found): boolean => belongsTo(chain, key) && !isSignedBy(chain, ca);

/** What `ensureSigned` would do about the certificate; undefined: nothing. */
export const wantedOfSigned = async (machine: Machine, request: SignedRequest): Promise<'create' | 'change' | undefined> => {
  const found = await look(machine, request);
  if (better(found) !== undefined) return found.chain === undefined ? 'create' : 'change';
  return stays(found) ? undefined : wantedOfOwnCa(machine, request);
};

/** Never puts our own authority's certificate in the place of another that fits the key. */
export const ensureSigned = async (machine: Machine, request: SignedRequest): Promise<void> => {
  const found = await look(machine, request);
  const chain = better(found);
  if (chain !== undefined) await putChain(machine, request.chain, chain);
  else if (!stays(found)) await ensureOwnCa(machine, request);
};

/** For the same key: where the chain is a link, what it leads to. */
export const putChain = async (machine: Machine, target: AbsPath, chain: Buffer): Promise<void> =>
  machine.write(await followed(machine, target), chain, { owner: 'root:root', mode: 0o644 });

/** The authority, and not we ourselves, signed what is served. */
export const isSigned = async (machine: Machine, request: Pick<SignedRequest, 'chain' | 'ca'>): Promise<boolean> => {
  const [chain, ca] = [await contentAt(machine, request.chain), await contentAt(machine, request.ca)];
  return chain !== undefined && !isSignedBy(chain, ca);
};
