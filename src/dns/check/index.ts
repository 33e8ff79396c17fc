export { check, type Outcome } from './check.ts';
export type { Checked } from './checked.ts';
export { isOptional } from './expectation.ts';
export { recordFindings, unconfirmed } from './record-findings.ts';
export { valueText } from './words.ts';
export { zoneFindings } from './zone-findings.ts';
