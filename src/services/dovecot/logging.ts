/** Where Dovecot logs: to the journal by way of syslog, or to what runit reads. It never logs passwords or subjects (M28). */
import type { Subject } from './vocabulary.ts';

export const logging: Subject = ({ facts }) => ({
  rows: [{ set: 'log_path', to: facts.init === 'systemd' ? 'syslog' : '/dev/stderr' }],
});
