export { unbound } from './service.ts';
