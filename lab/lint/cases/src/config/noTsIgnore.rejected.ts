// @ts-ignore
export const one: string = 1;
