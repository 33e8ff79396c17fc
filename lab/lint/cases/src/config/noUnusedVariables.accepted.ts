export const other = (): number => {
  const busy = 2;
  return busy;
};
