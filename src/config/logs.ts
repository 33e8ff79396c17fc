/** What is remembered about what happened. */
import { days } from './kinds.ts';
import { fixed, option, section } from './option.ts';

export const logs = section({
  name: 'logs',
  doc: 'What is remembered about what happened.',
  options: {
    retentionDays: option({
      key: 'retention',
      kind: days('1d', '365d'),
      default: fixed('7d'),
      doc: 'How long logs are kept. They hold addresses and times, no subjects and no passwords. With systemd this goes for the journal of the whole machine.',
      why: 'Long enough to answer "where is my mail?", short enough for data protection.',
      example: '14d',
      since: '0.1',
    }),
  },
  rules: () => [],
  settings: (wants) => wants,
});
