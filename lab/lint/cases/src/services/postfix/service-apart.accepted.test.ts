import { socket } from '../redis/index.ts';

export const path = socket;
