import { two } from '#directory';

export const scene = two;
