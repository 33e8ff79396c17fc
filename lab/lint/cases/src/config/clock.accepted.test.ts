export const now = (): number => Date.now();
export const today = (): Date => new Date();
export const fine = (): bigint => process.hrtime.bigint();
export const until = (): AbortSignal => AbortSignal.timeout(5);
