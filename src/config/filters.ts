/** Rules of the operator's own for everybody's incoming mail. */
import { absPath } from './kinds.ts';
import { none, option, section } from './option.ts';

export const filters = section({
  name: 'filters',
  doc: "Rules for everybody's incoming mail, as Sieve scripts (RFC 5228) of your own. They are read at apply; after a change of one: hauspost apply.",
  options: {
    before: option({
      key: 'before',
      kind: absPath,
      default: none,
      doc: 'A script that runs before what people have uploaded, for all mail that was not marked as spam. What it ends with "stop" nobody else\'s script sees.',
      why: 'Most servers need none.',
      example: '/etc/hauspost/before.sieve',
      since: '0.1',
    }),
    after: option({
      key: 'after',
      kind: absPath,
      default: none,
      doc: 'A script that runs after what people have uploaded, where that did not say what becomes of the mail.',
      why: 'Most servers need none.',
      example: '/etc/hauspost/after.sieve',
      since: '0.1',
    }),
  },
  rules: () => [],
  settings: (wants) => wants,
});
