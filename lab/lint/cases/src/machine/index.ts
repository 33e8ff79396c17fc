export const start = (): Promise<void> => Promise.resolve();
