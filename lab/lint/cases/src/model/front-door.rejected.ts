import { one } from '../base/index.ts';

export const two = one;
