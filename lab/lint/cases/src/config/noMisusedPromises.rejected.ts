const ready = async (): Promise<boolean> => true;

export const go = (): number => {
  if (ready()) return 1;
  return 2;
};
