export const other = (): number => {
  const idle = 2;
  return 1;
};
