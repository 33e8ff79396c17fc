export { carry } from './carry.ts';
export { clockSetBy } from './clock.ts';
export { editedConffiles } from './conffiles.ts';
export { type Configured, configured } from './dpkg-log.ts';
export { exchangeBy } from './exchange.ts';
export * from './facts.ts';
export * from './init/index.ts';
export { diskFull, diskReadOnly, megabytes } from './file-systems.ts';
export { isTemporary, temporaryFor } from './files.ts';
export { contentAt, followed } from './links.ts';
export { changeUnderWay, refuseWhileUnderWay, withLock } from './lock.ts';
export { lookingOn } from './looking-on.ts';
export * from './machine.ts';
export { plannedMemoryMb } from './memory.ts';
export {
  answerQuestions,
  type Foreseen,
  foreseePackages,
  installedVersions,
  endPolicy,
  installPackages,
  missingPackages,
  updateLists,
  upstreamVersion,
} from './packages.ts';
export { askResolvers, probeFacts } from './probe-facts.ts';
export { connectionsTo, familiesOf, type Holder, holding, holdersOf } from './processes.ts';
export { must, thisMachine } from './real.ts';
export { strangeLink } from './straight.ts';
export { talk } from './talk.ts';
export { ensureSystemUser, refuseUserWithoutGroup } from './users.ts';
