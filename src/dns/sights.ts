/** What each name server of a zone shows of a name. */
import type { FoundRecord, Reply } from '#formats';
import type { Asker } from './asking.ts';
import { isTold, named } from './cuts.ts';
import type { NameServer, Zone } from './delegation.ts';

export interface Sight {
  readonly server: NameServer;
  /** Of the type that was asked for; where the name is an alias, what stands where it leads. Undefined where no answer came. */
  readonly found: readonly FoundRecord[] | undefined;
  /** The name itself is an alias. */
  readonly alias: string | undefined;
}

const aliasIn = (reply: Reply, name: string): string | undefined => {
  const read = named(reply.answer, 'CNAME', name)[0]?.read;
  return read?.type === 'CNAME' ? read.data.target : undefined;
};

/** A server tells what it has of where an alias leads; the rest the resolver looks up. */
const sightOf = async (asker: Asker, server: NameServer, name: string, type: string): Promise<Sight> => {
  const reply = server.address === undefined ? undefined : await asker.one({ name, type, server: server.address });
  if (!isTold(reply)) return { server, found: undefined, alias: undefined };
  const alias = type === 'CNAME' ? undefined : aliasIn(reply, name);
  const found = named(reply.answer, type);
  if (alias === undefined || found.length > 0) return { server, found, alias };
  return { server, found: named((await asker.one({ name: alias, type }))?.answer ?? [], type), alias };
};

const answering = ({ servers }: Zone): readonly NameServer[] => servers.filter(({ state }) => state === 'answers');

/** Asks all at once, server by server; what they say is then there. */
export const prepareSights = async (
  asker: Asker,
  wanted: readonly { readonly zone: Zone; readonly name: string; readonly type: string }[],
): Promise<void> => {
  await asker.ask(
    wanted.flatMap(({ zone, name, type }) =>
      answering(zone).flatMap(({ address }) => (address === undefined ? [] : [{ name, type, server: address }])),
    ),
  );
};

/** Of those servers that answer for the zone. */
export const sightsOf = (asker: Asker, zone: Zone, name: string, type: string): Promise<readonly Sight[]> =>
  Promise.all(answering(zone).map((server) => sightOf(asker, server, name, type)));
