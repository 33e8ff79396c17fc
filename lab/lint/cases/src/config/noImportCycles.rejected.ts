import type { Back } from './noImportCycles.back.ts';

export type Forth = Back | 1;
