import { used } from './used.ts';

export const forth = used;
