export { connect, type Directory } from './connect.ts';
export { applyGrants, type Grant } from './grants.ts';
export { lookups, type Placeholders } from './lookups.ts';
export { migrate } from './migrate.ts';
export { type PrincipalName, principals, VIEW_NAMES, type ViewName } from './views.ts';
