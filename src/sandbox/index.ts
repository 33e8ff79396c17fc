export { openRoom } from './room.ts';
