/**
 * Redis: what Rspamd remembers. On a Unix socket only, which members of the group `redis` may open. It keeps its data in
 * /var/lib/redis and forgets what is used least when its share of the memory is used up; losing it loses no mail.
 */
import type { Item, RenderInput, Service, Unit } from '#model';
import { renderRedis } from '#formats';
import { checkRedis, CONF, placeIn } from './check.ts';
import { redisProbes } from './probes.ts';
import { rows } from './rows.ts';

const unit: Unit = {
  systemd: 'redis-server.service',
  foreground: [
    '/usr/bin/setpriv',
    '--reuid=redis',
    '--regid=redis',
    '--clear-groups',
    '/usr/bin/redis-server',
    CONF,
    '--supervised',
    'no',
    '--daemonize',
    'no',
  ],
  prepare: [['/usr/bin/install', '-d', '-o', 'redis', '-g', 'redis', '-m', '2755', '/run/redis']],
  // Redis reads its file at the start only: the item below asks for a restart.
  reload: [],
};

const items = (input: RenderInput): readonly Item[] => [
  {
    kind: 'file',
    path: CONF,
    text: renderRedis(rows(input), input.facts.versions.redis),
    owner: 'redis:redis',
    mode: 0o640,
    wakes: [{ service: 'redis', by: 'restart' }],
  },
];

export const redis: Service = {
  name: 'redis',
  packages: () => ['redis-server'],
  unit: () => unit,
  items,
  check: checkRedis,
  placeIn,
  probes: redisProbes,
};
