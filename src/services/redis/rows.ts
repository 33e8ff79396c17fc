/** redis.conf, whole. What is not said is Redis' own default, which 7.0 and 8.0 share for everything that matters here. */
import { within } from '#base';
import type { Row } from '#formats';
import type { RenderInput } from '#model';

/** A sixteenth of the machine, in MB, between 64 and 512: while it saves, it may need as much again. Idle it uses a few MB. */
export const memoryShare = (memoryMb: number): number => within(memoryMb / 16, 64, 512);

export const rows = ({ facts, wiring }: RenderInput): readonly Row[] => [
  { set: 'port', to: 0, why: 'No TCP.' },
  { set: 'unixsocket', to: wiring.sockets.redis.path },
  { set: 'unixsocketperm', to: wiring.sockets.redis.mode.toString(8) },
  { set: 'daemonize', to: false },
  { set: 'pidfile', to: '/run/redis/redis-server.pid' },
  { set: 'logfile', to: '', why: 'Standard output.' },
  { set: 'loglevel', to: 'notice' },
  { set: 'always-show-logo', to: false },
  { set: 'dir', to: '/var/lib/redis' },
  { set: 'dbfilename', to: 'dump.rdb' },
  { set: 'save', to: ['3600', '1', '300', '100'], why: 'On disk an hour after a change, five minutes after a hundred.' },
  { set: 'appendonly', to: false },
  { set: 'stop-writes-on-bgsave-error', to: false, why: 'A full disk must not stop what needs no disk.' },
  { set: 'maxmemory', to: memoryShare(facts.memoryMb) * 1024 * 1024 },
  {
    set: 'maxmemory-policy',
    to: 'allkeys-lfu',
    why: 'What nobody asked for goes first: old words of Bayes, clients that never came back; not the counts of who sends at the moment. No write ever fails.',
  },
  { set: 'lfu-decay-time', to: 60, why: 'Minutes after which a use counts less: the hour of a count.' },
  { set: 'maxmemory-samples', to: 10 },
];
