/**
 * Indexes for listing in order and for finding what leads to an address. They change no answer; the daemons' lookups use the
 * unique keys of the original.
 */
import type { Migration } from './migration.ts';
import { haveIndexes } from './standing.ts';

const INDEXES = [
  'CREATE INDEX IF NOT EXISTS accounts_by_domain ON accounts (domain, username)',
  'CREATE INDEX IF NOT EXISTS aliases_by_source ON aliases (source_domain, source_username)',
  'CREATE INDEX IF NOT EXISTS aliases_by_destination ON aliases (destination_domain, destination_username)',
];

export const indexes: Migration = {
  number: 3,
  name: 'indexes',
  run: async (directory) => {
    for (const sql of INDEXES) await directory.define(sql);
  },
  stands: (directory) => haveIndexes(directory, ['accounts_by_domain', 'aliases_by_source', 'aliases_by_destination']),
};
