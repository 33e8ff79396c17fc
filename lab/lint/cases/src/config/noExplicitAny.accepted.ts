export const show = (value: unknown): string => String(value);
