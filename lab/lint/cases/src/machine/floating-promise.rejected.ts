import { rm } from 'node:fs/promises';
import { one } from '#base';

export const drop = (path: string): void => {
  rm(path);
  if (one > 0) one && rm(path);
};
