export { rows } from './redis/rows.ts';
