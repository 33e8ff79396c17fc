import type { Forth } from './noImportCycles.rejected.ts';

export type Back = Forth | 2;
