/** Nginx answers on each of its ports: on 80 with the way to HTTPS; on 443 it says that plain HTTP is not spoken there. */
import { type Facts, logOf } from '#machine';
import { type Listener, listenersOf, type Probe, reachable, type RenderInput } from '#model';

const answers = (facts: Facts, listener: Listener, hostname: string, status: number): Probe => ({
  name: `nginx ${listener.name} on ${listener.address}`,
  within: 10_000,
  run: async (vantage) => {
    const problem = (why: string) => [
      {
        level: 'error',
        code: `nginx.no-${listener.name}`,
        message: `Nginx on ${listener.address} port ${listener.port}: ${why}`,
        remedy: `Look at its log (${logOf(facts, 'nginx')}).`,
      } as const,
    ];
    const request = `GET / HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`;
    try {
      const answer = await vantage.talk(
        { host: reachable(listener.address), port: listener.port },
        { send: request, until: (text) => text.includes('\r\n'), ms: 5000 },
      );
      return answer.startsWith(`HTTP/1.1 ${status} `) ? [] : problem(`answers ${JSON.stringify(answer.slice(0, 80))} instead of ${status}`);
    } catch (error) {
      return problem(error instanceof Error ? error.message : String(error));
    }
  },
});

export const nginxProbes = ({ facts, settings, wiring }: RenderInput): readonly Probe[] => [
  ...listenersOf(wiring, 'nginx', 'http').map((listener) => answers(facts, listener, settings.hostname, 301)),
  ...listenersOf(wiring, 'nginx', 'https').map((listener) => answers(facts, listener, settings.hostname, 400)),
];
