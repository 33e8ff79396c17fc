/** What Rspamd remembers, in Redis over a Unix socket. Without Redis mail flows: Bayes, greylisting and history pause. */
import type { RenderInput } from '#model';
import type { ConfFile } from './conf-file.ts';

const DAY_SECONDS = 86_400;

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
    name: 'classifier-bayes.conf',
    section: ['classifier', 'bayes'],
    rows: [
      { set: 'servers', to: wiring.sockets.redis.path, why: 'The same, but without it what follows does nothing (docs/rspamd.md, "Learning").' },
      { set: 'expire', to: 100 * DAY_SECONDS, why: 'Words that tell nothing, or that nobody writes any more, are forgotten.' },
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
