/**
 * What the world makes of this machine: whether its provider lets mail out on port 25, and whether blocklists have its addresses. Both depend on
 * others, and nothing here is wrong where they say no.
 */
import { Resolver } from 'node:dns/promises';
import { type Listing, listFindings, type ListQuestion, listQuestions } from '#dns';
import { talk } from '#machine';
import { type Finding, reachedAt, type RenderInput, sendsBeyond } from '#model';

const DNS_MS = 4000;
/** A server may let a stranger wait for its greeting (postscreen's six seconds); that a port is closed shows in a connection that never opens. */
const GREETING_MS = 12_000;

const resolverOf = ({ wiring: { resolver } }: RenderInput): Resolver => {
  const asking = new Resolver({ timeout: DNS_MS, tries: 1 });
  asking.setServers([`${resolver.address}:${resolver.port}`]);
  return asking;
};

/** No answer, and the answer that there is none, are the same here: a list that does not answer is in postscreen's log. */
const orNone = <T>(answers: Promise<readonly T[]>): Promise<readonly T[]> => answers.catch(() => []);

const listing =
  (asking: Resolver) =>
  async (question: ListQuestion): Promise<Listing> => {
    const answers = await orNone(asking.resolve4(question.name));
    const words = answers.length === 0 ? [] : await orNone(asking.resolveTxt(question.name));
    return { question, answers, words: words.map((strings) => strings.join('')).join(' ') };
  };

const lists = async (input: RenderInput): Promise<readonly Finding[]> => {
  const { settings, facts } = input;
  const [reached, beyond] = [reachedAt(settings, facts), sendsBeyond(settings, facts)];
  const addresses = { v4: [...reached.v4, ...beyond.v4], v6: [...reached.v6, ...beyond.v6] };
  return listFindings(await Promise.all(listQuestions(addresses, settings.incoming.dnsbl).map(listing(resolverOf(input)))));
};

/** Addresses of the mail server that a domain prefers (RFC 5321 section 5.1). */
const serversOf = async (asking: Resolver, domain: string): Promise<readonly string[]> => {
  const exchanges = await orNone(asking.resolveMx(domain));
  const [first] = exchanges.toSorted((a, b) => a.priority - b.priority);
  if (first === undefined || first.exchange === '') return [];
  return (await Promise.all([orNone(asking.resolve4(first.exchange)), orNone(asking.resolve6(first.exchange))])).flat();
};

/** Undefined: it greets. Otherwise why not. */
const refusal = async (host: string): Promise<string | undefined> => {
  try {
    await talk({ host, port: 25 }, { until: (answer) => answer.includes('\n'), ms: GREETING_MS });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** Where names lead nowhere there is nothing to knock at; that is said elsewhere. */
const port25 = async (input: RenderInput): Promise<readonly Finding[]> => {
  const { relay, triedDomains } = input.settings.outgoing;
  if (relay !== null) return [];
  const asking = resolverOf(input);
  const hosts = (await Promise.all(triedDomains.map((domain) => serversOf(asking, domain)))).flat();
  const whys = await Promise.all(hosts.map(refusal));
  if (hosts.length === 0 || whys.includes(undefined)) return [];
  const message = `mail to others will not leave: of the mail servers of ${triedDomains.join(', ')} none could be reached on port 25 (${whys.join('; ')})`;
  const remedy = 'Ask the provider of this machine to open port 25 outwards, or have mail leave by another server: relay_host below [outgoing].';
  return [{ level: 'error', code: 'outgoing.port-25', message, remedy }];
};

/** Profile `local` has nothing to do with the world. */
export const outwardFindings = async (input: RenderInput): Promise<readonly Finding[]> =>
  input.settings.profile === 'local' ? [] : (await Promise.all([port25(input), lists(input)])).flat();
