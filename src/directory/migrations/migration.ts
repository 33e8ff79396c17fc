/** A numbered step. */
import type { Directory } from '../connect.ts';

export interface Migration {
  readonly number: number;
  readonly name: string;
  /** Repeatable from any point of itself; throws before its first change if the data does not allow it. */
  run(directory: Directory): Promise<void>;
  /**
   * Whether what it makes is there, whatever the ledger says: a copy that is put back over a database takes tables away, and not
   * the ledger. Asks for names and collations, never for rows.
   */
  stands(directory: Directory): Promise<boolean>;
}
