export type { AnyOperation, Consent, Context, Listing, Operation } from './operation.ts';
export { requireServer } from './require-server.ts';
export { type ElementOf, type ListingName, OPERATIONS, type OperationName, type OutputOf } from './table.ts';
