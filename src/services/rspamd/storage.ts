/** What Rspamd remembers, in Redis over a Unix socket. Without Redis mail flows: Bayes, greylisting and history pause. */
import type { RenderInput } from '#model';
import type { ConfFile } from './conf-file.ts';

export const storage = ({ wiring }: RenderInput): readonly ConfFile[] => [
  {
    name: 'redis.conf',
    section: ['redis'],
    rows: [
      { set: 'servers', to: wiring.sockets.redis.path },
      { set: 'timeout', to: 1 },
    ],
  },
  {
    name: 'history_redis.conf',
    section: ['history_redis'],
    rows: [
      { set: 'subject_privacy', to: true, why: 'A subject is kept as a hash only.' },
      { set: 'nrows', to: 1000 },
    ],
  },
];
