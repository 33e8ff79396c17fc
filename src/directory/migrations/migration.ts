/** A numbered step. */
import type { Directory } from '../connect.ts';

export interface Migration {
  readonly number: number;
  readonly name: string;
  /** Repeatable from any point of itself; throws before its first change if the data does not allow it. */
  run(directory: Directory): Promise<void>;
}
