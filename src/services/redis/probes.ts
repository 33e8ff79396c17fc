/** Redis answers on its socket (PING, PONG). */
import { logOf } from '#machine';
import type { Probe, RenderInput } from '#model';

export const redisProbes = ({ facts, wiring }: RenderInput): readonly Probe[] => [
  {
    name: 'redis',
    within: 15_000,
    run: async (vantage) => {
      const problem = (why: string) => [
        {
          level: 'error',
          code: 'redis.no-answer',
          message: `Redis does not answer: ${why}`,
          remedy: `Look at its log (${logOf(facts, 'redis', 'redis-server')}); mail flows without Bayes and greylisting meanwhile.`,
        } as const,
      ];
      try {
        const answer = await vantage.talk(
          { socket: wiring.sockets.redis.path },
          { send: 'PING\r\n', until: (text) => text.includes('\n'), ms: 5000 },
        );
        return answer.startsWith('+PONG') ? [] : problem(JSON.stringify(answer.slice(0, 80)));
      } catch (error) {
        return problem(error instanceof Error ? error.message : String(error));
      }
    },
  },
];
