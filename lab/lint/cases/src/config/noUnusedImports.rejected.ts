import { used } from './used.ts';

export const other = 1;
