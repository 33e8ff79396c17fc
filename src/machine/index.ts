export * from './facts.ts';
export * from './init/index.ts';
export * from './machine.ts';
export { installedVersions, installPackages, missingPackages, updateLists, upstreamVersion } from './packages.ts';
export { probeFacts } from './probe-facts.ts';
export { memoryMb } from './processes.ts';
export { must, thisMachine } from './real.ts';
export { ensureSystemUser } from './users.ts';
