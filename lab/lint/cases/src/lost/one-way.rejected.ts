import { one } from '#base';

export const two = one;
