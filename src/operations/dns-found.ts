/** In words: what a push would change, what stands in its way, and what is to be published elsewhere. */
import { concernOf, type Conflict, type Difference, isChange, placeKey } from '#dns';
import { type FoundRecord, recordText } from '#formats';
import type { Finding } from '#model';
import type { Pushing } from './dns-pushing.ts';

export interface Value {
  readonly name: string;
  readonly type: string;
  readonly value: string;
  readonly ttl: number;
}

type Ours = Difference['add'][number];

export const valueOurs = (record: Ours): Value => ({ name: record.name, type: record.type, value: recordText(record, record.name), ttl: record.ttl });

export const valueThere = ({ name, type, text, ttl }: FoundRecord): Value => ({ name, type, value: text, ttl });

/** All that stands in the way of one name and type, with what it keeps away. */
export const conflictsIn = (differences: readonly Difference[]): readonly Conflict[] =>
  [
    ...Map.groupBy(
      differences.flatMap(({ conflicts }) => conflicts),
      placeKey,
    ).values(),
  ].flatMap((same) => {
    const [first] = same;
    return first === undefined ? [] : [{ ...first, wanted: same.flatMap(({ wanted }) => wanted) }];
  });

const conflicts = ({ plan }: Pushing): readonly Conflict[] => plan.zones.flatMap(({ differences }) => conflictsIn(differences));

const wantedText = ({ wanted, type }: Conflict): string =>
  wanted.map((record) => `${record.type === type ? '' : `${record.type} `}${recordText(record, record.name)}`).join(', ');

export const conflictFindings = (pushing: Pushing): readonly Finding[] =>
  conflicts(pushing).map((conflict) => ({
    level: 'warning',
    code: 'dns.conflict',
    message: `${conflict.name} ${conflict.type} is somebody else's and stays: there is ${conflict.found.join(', ')}; wanted is ${wantedText(conflict)}`,
    remedy: `Look at whether anything needs it; 'hauspost dns push --take-over ${placeKey(conflict)}' puts ours in its place.`,
  }));

/** Of domains that the database does not have: whether they come back nobody knows who was not asked. */
export const leftOverFindings = ({ leftOver }: Pushing): readonly Finding[] =>
  [...Map.groupBy(leftOver, concernOf)].map(([concern, some]) => ({
    level: 'warning',
    code: 'dns.left-over',
    message: `${concern} is none of this server's domains (any more), and ${some.length} record${some.length === 1 ? '' : 's'} of it that Hauspost published stay in DNS`,
    remedy: `'hauspost dns push' removes them; 'hauspost domain add ${concern}' if the domain should be there.`,
  }));

/** Names of zones that are not there, each with why. */
export const elsewhereFindings = ({ plan }: Pushing): readonly Finding[] =>
  [
    ...Map.groupBy(
      plan.elsewhere.filter(({ record }) => record.type !== 'PTR'),
      ({ record, why }) => `${record.zone}\n${why}`,
    ).values(),
  ].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { record, why } = first;
    return [
      {
        level: 'warning' as const,
        code: 'dns.zone-elsewhere',
        message: `${same.length} record${same.length === 1 ? '' : 's'} of ${record.zone} cannot be published: ${why}`,
        remedy: `Publish by hand what 'hauspost dns records ${record.zone}' shows.`,
      },
    ];
  });

const SHOWN = 100;

const shortened = (value: string): string => (value.length <= SHOWN ? value : `${value.slice(0, SHOWN - 3)}...`);

const line = (sign: string, { name, type, value, ttl }: Value, why: string): string =>
  `  ${sign} ${name} ${ttl} ${type} ${shortened(value)}${why === '' ? '' : `   (${why})`}`;

const linesOf = ({ add, remove, records }: Difference): readonly string[] => [
  ...remove.map((found) => line('-', valueThere(found), records.length === 0 ? 'published earlier, and not needed any more' : 'replaced')),
  ...add.map((record) => line('+', valueOurs(record), record.why)),
];

const conflictLine = (conflict: Conflict): string =>
  `  ! ${conflict.name} ${conflict.type} ${conflict.found.map(shortened).join(', ')}   (somebody else's; stays, and ours is not published there)`;

/** Zone by zone. */
export const changesText = ({ plan, server }: Pushing): string =>
  plan.zones
    .filter(({ differences }) => differences.some(isChange))
    .map(({ zone, differences }) =>
      [`Zone ${zone} at ${server.called}`, ...differences.flatMap(linesOf), ...conflictsIn(differences).map(conflictLine)].join('\n'),
    )
    .join('\n');
