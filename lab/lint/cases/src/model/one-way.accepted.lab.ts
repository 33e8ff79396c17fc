import { two } from '#directory';

export const one = two;
