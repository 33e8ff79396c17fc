/** Records, zone by zone, in the order in which they come. */
import type { DnsRecord } from './record.ts';

export interface ZoneRecords {
  readonly zone: string;
  readonly records: readonly DnsRecord[];
}

export const byZone = (records: readonly DnsRecord[]): readonly ZoneRecords[] =>
  [...Map.groupBy(records, ({ zone }) => zone)].map(([zone, some]) => ({ zone, records: some }));
