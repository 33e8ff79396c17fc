/** Load as ten senders and twenty readers make it. Front door. */
export { loadPlace } from './place.ts';
export { CONNECTIONS, type Load, READERS, runLoad, told, whereabouts } from './run.ts';
export type { Wait } from './waits.ts';
