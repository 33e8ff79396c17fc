export { type Beginning, initialConfig } from './initial.ts';
export { parseConfig } from './parse.ts';
export { type ConfigProblem, configError, describeProblem } from './problem.ts';
export type { Config } from './sections.ts';
export * from './settings.ts';
