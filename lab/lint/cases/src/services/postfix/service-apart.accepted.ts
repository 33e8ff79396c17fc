import { size } from '../size.ts';

export const limit = size;
