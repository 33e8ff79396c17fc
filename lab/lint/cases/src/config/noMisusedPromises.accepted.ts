const ready = async (): Promise<boolean> => true;

export const go = async (): Promise<number> => {
  if (await ready()) return 1;
  return 2;
};
