/** `npm run docs`: makes the pages anew that are made from declarations. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { optionsMarkdown } from '#config';

writeFileSync(join(import.meta.dirname, '../docs/options.md'), optionsMarkdown());
