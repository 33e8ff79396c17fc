export const at = (seconds: number): Date => new Date(seconds * 1000);
