export { unbound } from './service.ts';
export { KEY_ZONE, keyZoneName, keyZoneText, STRANGER } from './zones.ts';
