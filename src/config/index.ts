export { exampleConfig } from './example.ts';
export { explain, type OptionDoc, type SectionDoc } from './explain.ts';
export { homeDomain, isWithin, ownDomain } from './home.ts';
export { type Beginning, initialConfig } from './initial.ts';
export { optionsMarkdown } from './options-document.ts';
export { parseConfig } from './parse.ts';
export { type ConfigProblem, configError, describeProblem } from './problem.ts';
export type { Config } from './sections.ts';
export * from './settings.ts';
