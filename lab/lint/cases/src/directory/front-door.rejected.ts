export const late = async (): Promise<unknown> => await import('#directory');
