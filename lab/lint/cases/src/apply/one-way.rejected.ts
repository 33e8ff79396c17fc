export type Two = typeof import('#operations');
