export { unbound } from './service.ts';
export { STRANGER } from './zones.ts';
