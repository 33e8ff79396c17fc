export const show = (value: any): string => String(value);
