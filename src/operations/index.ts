export type { AnyOperation, Consent, Context, Operation } from './operation.ts';
export { OPERATIONS, type OperationName, type OutputOf } from './table.ts';
