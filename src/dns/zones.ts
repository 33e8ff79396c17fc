/** In whose zone a name stands. Where zones are cut only DNS knows; without asking, the shortest domain that is known and holds the name is taken. */
import { isWithin } from '#config';
import type { DnsFacts } from './facts.ts';

export type ZoneOf = (name: string) => string;

export const zonesOf = ({ home, domains }: Pick<DnsFacts, 'home' | 'domains'>): ZoneOf => {
  const known = [home, ...domains.map(({ domain }) => domain)].toSorted((a, b) => a.length - b.length);
  return (name) => known.find((zone) => isWithin(name, zone)) ?? name;
};

/** The left part, as providers' forms want it: `@` for the zone itself. */
export const relativeTo = (name: string, zone: string): string => (name === zone ? '@' : name.slice(0, -zone.length - 1));
