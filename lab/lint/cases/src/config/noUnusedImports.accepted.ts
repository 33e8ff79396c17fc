import { used } from './used.ts';

export const other = used;
