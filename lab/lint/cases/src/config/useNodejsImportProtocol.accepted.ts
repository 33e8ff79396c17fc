import { isIP } from 'node:net';

export const ip = isIP;
