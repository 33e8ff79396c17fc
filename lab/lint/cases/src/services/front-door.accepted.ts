export { socket } from './redis/index.ts';
