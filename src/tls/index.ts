export * from './authority.ts';
export * from './certbot.ts';
export * from './due.ts';
export * from './files.ts';
export * from './own-ca.ts';
export * from './pair.ts';
export type { Problem } from './problems.ts';
export * from './refused.ts';
export * from './time.ts';
