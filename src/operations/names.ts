/** Whether names of the world can be had. Without them strangers' mail is put off, and nobody would know why. */
import { Resolver } from 'node:dns/promises';
import type { Finding, RenderInput } from '#model';

const MS = 2000;
/** What dns(3) of Node calls the answers that say nothing: the resolver did not get any, or is not there. */
const NO_ANSWER = new Set(['ESERVFAIL', 'ETIMEOUT', 'ECONNREFUSED', 'EREFUSED']);

/** The name servers of the root (RFC 1035 section 3.3.11), of which every resolver knows. That there are none is an answer, too. */
const answers = async ({ wiring: { resolver } }: RenderInput): Promise<boolean> => {
  const asking = new Resolver({ timeout: MS, tries: 1 });
  asking.setServers([`${resolver.address}:${resolver.port}`]);
  try {
    await asking.resolveNs('.');
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && NO_ANSWER.has(String(error.code)));
  }
};

export const nameFindings = async (input: RenderInput): Promise<readonly Finding[]> => {
  const { mode, forwarders, unvalidated } = input.settings.resolver;
  // Then that is said already.
  if (unvalidated === 'unanswered' || (await answers(input))) return [];
  const [why, remedy] =
    mode === 'recursive'
      ? [
          'no name server of the world answers this machine',
          'Let it send to port 53 (UDP and TCP), or write mode = "forward" and forwarders = [...] below [resolver].',
        ]
      : [`the resolvers ${forwarders.join(', ')} do not answer`, 'Name others in forwarders below [resolver], or in /etc/resolv.conf.'];
  const message = `names of other domains cannot be looked up, and mail from and to them waits: ${why}`;
  return [{ level: 'error', code: 'resolver.no-answer', message, remedy }];
};
