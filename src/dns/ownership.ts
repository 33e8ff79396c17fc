/**
 * Which records in DNS are ours: those that Hauspost has published. A claim is written before the record is sent, so that whatever interrupts it, none
 * of ours is ever taken for somebody else's; and kept until the record was seen to be gone. Beside them stands which machine has published them.
 */
import { isDeepStrictEqual } from 'node:util';
import { type AbsPath, environmentError } from '#base';
import type { RecordData } from '#formats';
import type { Machine } from '#machine';
import { z } from 'zod';
import type { Marks } from './marks.ts';
import { meaningOf } from './same.ts';

/** Name, type and what the record says, with blanks between. */
export type Identity = string;

export const identityOf = (record: RecordData & { readonly name: string }): Identity => `${record.name} ${record.type} ${meaningOf(record)}`;

/** Whose it is. */
export const placeOf = (identity: Identity): { readonly name: string; readonly type: string } => {
  const [name = '', type = ''] = identity.split(' ');
  return { name, type };
};

/** The domain, or the host, for which a record is there: `_dmarc.DOMAIN`, `SELECTOR._domainkey.DOMAIN`, `imap.DOMAIN` as an alias. */
export const concernOf = ({ name, type }: { readonly name: string; readonly type: string }): string => {
  const below = name.replace(/^(?:.*\.)?_[^.]+\./, '');
  return type === 'CNAME' ? below.slice(below.indexOf('.') + 1) : below;
};

export interface Claims {
  readonly published: ReadonlySet<Identity>;
  /** Of the machine that has published them; none in files of earlier versions. */
  readonly by: Marks;
}

const ADDRESSES = new Set(['A', 'AAAA']);

/** Addresses that are claimed for the name. */
export const addressesIn = ({ published }: Claims, name: string): ReadonlySet<string> => {
  const addresses = [...published].flatMap((id) => {
    const [of, type = '', address = ''] = id.split(' ');
    return of === name && ADDRESSES.has(type) ? [address] : [];
  });
  return new Set(addresses);
};

const document = z.object({
  published: z.array(z.string().regex(/^[a-z0-9_.-]+ [A-Z]+ ./)),
  by: z.record(z.string(), z.string()).default({}),
});

const read = (text: string): z.ZodSafeParseResult<z.output<typeof document>> => {
  try {
    return document.safeParse(JSON.parse(text));
  } catch {
    return document.safeParse(undefined); // no JSON is as bad as any other document
  }
};

/** Throws `store.damaged` (exit 4) where somebody else has written there. */
export const claims = async (machine: Machine, file: AbsPath): Promise<Claims> => {
  const found = await machine.read(file);
  if (found === undefined) return { published: new Set(), by: {} };
  const known = read(found.toString());
  if (known.success) return { published: new Set(known.data.published), by: known.data.by };
  throw environmentError({
    code: 'store.damaged',
    message: `${file} cannot be read as what it was; nothing was changed`,
    remedy: 'Put it back from a backup, or remove it: then records of ours that say something else by now are told as those of others.',
    detail: { file },
  });
};

/** Durable. Writes nothing where nothing is new. */
export const putClaims = async (machine: Machine, file: AbsPath, { published, by }: Claims, before: Claims): Promise<void> => {
  const isSame = published.size === before.published.size && published.isSubsetOf(before.published);
  if (isSame && (published.size === 0 || isDeepStrictEqual(by, before.by))) return;
  await machine.write(file, `${JSON.stringify({ published: [...published].toSorted(), by }, null, 1)}\n`, { owner: 'root:root', mode: 0o600 });
};
