import { isIP } from 'net';

export const ip = isIP;
