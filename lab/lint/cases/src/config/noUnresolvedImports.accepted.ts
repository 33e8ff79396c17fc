import { used } from './used.ts';

export const found = used;
