/** The records as a zone's master file to load or to include; what belongs to others stands in comments. */
import { absolute, renderZone, zoneComment } from '#formats';
import { byZone } from './by-zone.ts';
import type { Records } from './records.ts';
import type { Reverse } from './reverse.ts';

const HEAD =
  "Records for the mail server, by Hauspost. Start of authority and name servers are the zone's own. Names are in full: no $ORIGIN counts.";

const asked = ({ address, name, data }: Reverse): string => `${address}: ${absolute(name)} PTR ${absolute(data.target)}`;

const reverseText = (reverse: Records['reverse']): string =>
  reverse.length === 0
    ? ''
    : `\n${zoneComment(['Not in these zones; ask the provider of each address for its name:', ...reverse.map(asked)].join('\n'))}`;

export const zoneText = ({ records, reverse }: Records): string =>
  [
    zoneComment(HEAD),
    ...byZone(records).map(({ zone, records: some }) => `\n${zoneComment(`Zone ${absolute(zone)}`)}${renderZone(some)}`),
    reverseText(reverse),
  ].join('');
