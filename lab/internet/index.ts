/** The private internet: hosts that are not ours, names from the root down, and mail servers of ours in it. Front door. */
export { askingFrom } from './asking.ts';
export { OF_ADDRESSES, UPDATER } from './dns.ts';
export type { EximServer } from './exim.ts';
export { heldBy } from './held.ts';
export type { ForeignHost } from './host.ts';
export { brought, type Call, called, callOf, domainLines, FAMILIES, type Family, inbox, letter, said, senderLines } from './incoming.ts';
export { type ForeignServer, type Internet, internet } from './internet.ts';
export { apply, type Ours } from './ours.ts';
export { gone, silent, slow, unloaded } from './outages.ts';
export { type Fate, fateAt, fateOf, handIn, readerAt } from './outgoing.ts';
export { LIMITED, limitedAuthority } from './limited.ts';
export type { CertificateAuthority } from './pebble.ts';
export { forget, printed, publish } from './printed.ts';
export type { Conversation } from './recorder.ts';
export { onEachReleaseThere } from './scenario.ts';
export { addressesOf, NAME_SERVERS, reverseOf } from './topology.ts';
export { byExim, unanimous, verdicts } from './verifiers.ts';
export { addressLines, listingLines, reverseLines, type ZoneLine } from './zones.ts';
