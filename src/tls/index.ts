export * from './files.ts';
export * from './own-ca.ts';
