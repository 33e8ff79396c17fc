export { rows } from '../src/services/redis/rows.ts';
