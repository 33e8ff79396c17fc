/** To standard output: journald keeps it, or svlogd under runit. One line a message, without subjects. */
import type { ConfFile } from './conf-file.ts';

export const logging: ConfFile = {
  name: 'logging.inc',
  section: ['logging'],
  rows: [
    { set: 'type', to: 'console' },
    { set: 'level', to: 'notice', why: 'The line of each message is written at every level.' },
    { set: 'systemd', to: true, why: 'No time of its own: who keeps the log stamps it.' },
    { set: 'color', to: false },
  ],
};
