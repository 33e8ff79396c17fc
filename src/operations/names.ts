/** Whether names of the world can be had. Without them strangers' mail is put off, and nobody would know why. */
import { Resolver } from 'node:dns/promises';
import type { Finding, RenderInput } from '#model';

const MS = 2000;
/** What dns(3) of Node calls the answers that say nothing: the resolver did not get any, or is not there. */
const NO_ANSWER = new Set(['ESERVFAIL', 'ETIMEOUT', 'ECONNREFUSED', 'EREFUSED']);
const NOBODY_THERE = 'ECONNREFUSED';

/** Why there is none, of the name servers of the root (RFC 1035 section 3.3.11), of which every resolver knows. That there are none is an answer, too. */
const silence = async ({ wiring: { resolver } }: RenderInput): Promise<string | undefined> => {
  const asking = new Resolver({ timeout: MS, tries: 1 });
  asking.setServers([`${resolver.address}:${resolver.port}`]);
  try {
    await asking.resolveNs('.');
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return NO_ANSWER.has(code) ? code : undefined;
  }
};

const reason = ({ settings: { resolver }, wiring }: RenderInput, code: string): readonly [why: string, remedy: string] => {
  if (code === NOBODY_THERE)
    return [`its own resolver is not there (${wiring.resolver.address}, port ${wiring.resolver.port})`, "'hauspost up' starts what is stopped."];
  if (resolver.mode === 'recursive')
    return [
      'no name server of the world answers this machine',
      'Let it send to port 53 (UDP and TCP), or write mode = "forward" and forwarders = [...] below [resolver] in hauspost.toml.',
    ];
  const why = `the resolvers ${resolver.forwarders.join(', ')} do not answer`;
  return [why, 'Name others in forwarders below [resolver] in hauspost.toml, or in /etc/resolv.conf.'];
};

export const nameFindings = async (input: RenderInput): Promise<readonly Finding[]> => {
  const code = await silence(input);
  // Of resolvers that are away that is said already.
  if (code === undefined || (code !== NOBODY_THERE && input.settings.resolver.unvalidated === 'unanswered')) return [];
  const [why, remedy] = reason(input, code);
  const message = `names of other domains cannot be looked up, and mail from and to them waits: ${why}`;
  return [{ level: 'error', code: 'resolver.no-answer', message, remedy }];
};

/** That nothing can be said of DNS has the same cause, and is not said besides. */
export const toldOnce = (findings: readonly Finding[]): readonly Finding[] =>
  findings.some(({ code }) => code === 'resolver.no-answer') ? findings.filter(({ code }) => code !== 'dns.no-resolver') : findings;
