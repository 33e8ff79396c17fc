import { rm } from 'node:fs/promises';

export const drop = async (path: string): Promise<void> => {
  await rm(path);
  void rm(path);
  let kept = rm(path);
  kept = rm(path);
  return kept;
};
