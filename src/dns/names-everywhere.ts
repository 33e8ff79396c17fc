/** Names that some name servers of their zone have already, and others do not yet: whoever asks gets the one answer or the other. */
import type { Asker } from './asking.ts';
import { zonesHolding } from './delegation.ts';
import { prepareSights, type Sight, sightsOf } from './sights.ts';

const ADDRESS_TYPES = ['A', 'AAAA'] as const;

/** It answers, and knows neither an address nor an alias. */
const lacksIt = ({ found, alias }: Sight): boolean => found !== undefined && found.length === 0 && alias === undefined;

export interface Lacking {
  readonly servers: readonly string[];
  /** Of those that answer. */
  readonly all: boolean;
}

/** Of each name that not every server has, the servers that lack it. Those that do not answer at all are not among them: others are asked then. */
export const lackedBy = async (asker: Asker, names: readonly string[]): Promise<ReadonlyMap<string, Lacking>> => {
  const zones = await zonesHolding(asker, names);
  const placed = names.flatMap((name) => {
    const zone = zones.get(name);
    return zone === undefined ? [] : [{ name, zone }];
  });
  await prepareSights(
    asker,
    placed.flatMap((each) => ADDRESS_TYPES.map((type) => ({ ...each, type }))),
  );
  const lacking = async ({ name, zone }: (typeof placed)[number]): Promise<readonly [string, Lacking]> => {
    const [v4 = [], v6 = []] = await Promise.all(ADDRESS_TYPES.map((type) => sightsOf(asker, zone, name, type)));
    const without = (sights: readonly Sight[]): readonly string[] => sights.filter(lacksIt).map(({ server }) => server.name);
    const inBoth = new Set(without(v6));
    const servers = without(v4).filter((server) => inBoth.has(server));
    return [name, { servers, all: servers.length === v4.filter(({ found }) => found !== undefined).length }];
  };
  const all = await Promise.all(placed.map(lacking));
  return new Map(all.filter(([, { servers }]) => servers.length > 0));
};
