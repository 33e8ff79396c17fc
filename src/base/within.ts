/** The whole number below `value`, within bounds. */
export const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, Math.floor(value)));
