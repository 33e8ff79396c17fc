export { type Addresses, reachedAt, sendsBeyond, sendsFrom, type SendsFrom } from './addresses.ts';
export * from './manifest.ts';
export * from './names.ts';
export * from './probe.ts';
export * from './ways.ts';
export * from './service.ts';
export * from './wire.ts';
export * from './wiring.ts';
