export { publishDkimKeys } from './copies.ts';
export { type ImportedKey, readPrivateKey } from './import.ts';
export {
  addPending,
  algorithmOf,
  ALGORITHMS,
  type DkimKey,
  domainsWithKeys,
  ensureDkimKeys,
  type Keyring,
  keysOf,
  listDkimKeys,
  makePending,
  privateKey,
  recordName,
  signing,
} from './keys.ts';
export { dayIn, due, goes, type Seen, UNASKED } from './rotation.ts';
export { parseSelector } from './selectors.ts';
export { type Entries, type Entry, readStates } from './states.ts';
export { knownOf, takeTurn, type Turn } from './turn.ts';
