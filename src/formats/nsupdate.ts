/**
 * What nsupdate(1) reads on its standard input, and the reply that its command `answer` prints: one change of a zone, which the server makes as a whole
 * or not at all (RFC 2136). Names are written in full; values are in presentation form (RFC 1035 section 5.1), as dig(1) prints them.
 */
import { tsigErrorIn } from './dig.ts';
import { keyOf } from './refusal.ts';
import { absolute } from './zone.ts';

interface RecordSet {
  readonly name: string;
  readonly type: string;
}

/** What must be so, or nothing is changed (RFC 2136 section 2.4). */
export type Prerequisite =
  /** There are these records of that name and type, and no others. */
  | (RecordSet & { readonly is: 'exactly'; readonly values: readonly string[] })
  /** There is none of that name and type. */
  | (RecordSet & { readonly is: 'absent' })
  /** There is nothing of that name. */
  | { readonly is: 'unused'; readonly name: string };

export interface ZoneChange {
  readonly zone: string;
  readonly prerequisites: readonly Prerequisite[];
  readonly remove: readonly (RecordSet & { readonly value: string })[];
  readonly add: readonly (RecordSet & { readonly value: string; readonly ttl: number })[];
}

const FORMAT = 'nsupdate';

/** What is beyond ASCII stands there as `\\DDD`: no value ends its line. */
const value = (written: string): string => keyOf(FORMAT, written, /^[ -~\t]+$/);

const type = (name: string): string => keyOf(FORMAT, name, /^[A-Z0-9]+$/);

const prerequisiteLines = (each: Prerequisite): readonly string[] => {
  switch (each.is) {
    case 'exactly':
      return each.values.map((one) => `prereq yxrrset ${absolute(each.name)} IN ${type(each.type)} ${value(one)}`);
    case 'absent':
      return [`prereq nxrrset ${absolute(each.name)} IN ${type(each.type)}`];
    case 'unused':
      return [`prereq nxdomain ${absolute(each.name)}`];
  }
};

/** `server`: IP address and port. What goes is named before what comes, since the server does one after the other (RFC 2136 section 3.4.2). */
export const renderNsupdate = (server: { readonly address: string; readonly port: number }, change: ZoneChange): string =>
  [
    `server ${server.address} ${server.port}`,
    `zone ${absolute(change.zone)}`,
    ...change.prerequisites.flatMap(prerequisiteLines),
    ...change.remove.map((each) => `update delete ${absolute(each.name)} IN ${type(each.type)} ${value(each.value)}`),
    ...change.add.map((each) => `update add ${absolute(each.name)} ${each.ttl} IN ${type(each.type)} ${value(each.value)}`),
    'send',
    'answer',
    '',
  ].join('\n');

export interface UpdateReply {
  /** `NOERROR`, `REFUSED`, `NXRRSET`, ... (RFC 2136 section 2.2). */
  readonly status: string;
  /** As in a `Reply` of dig. */
  readonly tsig: string | undefined;
}

/** Undefined where no reply came. */
export const parseNsupdate = (stdout: string): UpdateReply | undefined => {
  const status = /^;; ->>HEADER<<- opcode: UPDATE, status: (\w+),/m.exec(stdout)?.[1];
  return status === undefined ? undefined : { status, tsig: tsigErrorIn(stdout) };
};
