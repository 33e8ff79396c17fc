/** A record that is to be published: what it says, in whose zone it stands, and why it is needed. */
import type { RecordData } from '#formats';

/** The zone as far as it can be told without asking DNS: the shortest known domain that holds the name. */
export type DnsRecord = RecordData & { readonly name: string; readonly ttl: number; readonly why: string; readonly zone: string };

/** A record before it is known where it belongs. */
export type Wanted = RecordData & { readonly name: string; readonly why: string };

/** What somebody would expect, and why it is not there. */
export interface LeftOut {
  readonly what: string;
  readonly why: string;
}
