export * from './own-ca.ts';
