export const nothing = (): void => undefined;
