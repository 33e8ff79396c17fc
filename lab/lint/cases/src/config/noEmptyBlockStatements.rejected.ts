export const nothing = (): void => {};
