/**
 * Where log lines go. Neither release installs rsyslog: with systemd the journal listens on /dev/log, which is syslog's
 * default; without it nobody does, and postlogd(8) writes to the standard output that the service manager keeps.
 */
import type { Row } from '#formats';
import type { RenderInput } from '#model';

export const logging = ({ facts }: RenderInput): readonly Row[] => (facts.init === 'runit' ? [{ set: 'maillog_file', to: '/dev/stdout' }] : []);
