export * from './brands.ts';
export * from './errors.ts';
export * from './nearest.ts';
export * from './readable.ts';
export * from './reporter.ts';
export * from './result.ts';
export * from './secret.ts';
export * from './within.ts';
