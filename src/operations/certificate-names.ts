/**
 * The names that the certificate is asked for: the server's own, and those that mail programs guess, `imap.DOMAIN` and `smtp.DOMAIN`, as far as DNS leads them
 * here at this moment; so a name that is not there yet does not keep the others from being signed.
 */
import { Resolver } from 'node:dns/promises';
import { HauspostError } from '#base';
import { domains } from '#directory';
import { asker, clientNames, lackedBy, reachedAt } from '#dns';
import { probeFacts } from '#machine';
import type { RenderInput } from '#model';
import { fitDomains } from './dkim.ts';
import { obstaclesOf } from './dns-challenge.ts';
import type { Context } from './operation.ts';
import { withDirectory } from './people.ts';

export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

export interface Names {
  /** The server's own first. */
  readonly names: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** Let's Encrypt's limit for one certificate. */
const MOST = 100;
/** Of those that might be asked for, so many are looked up: whoever has thousands of domains gets the names of the first ones. */
const LOOKED_UP = 400;
const AT_ONCE = 20;
const MS = 5000;

/** What dns(3) of Node calls the answer that there is nothing. */
const NOTHING = new Set(['ENOTFOUND', 'ENODATA']);

type Found = readonly string[] | 'unanswered';

const addressesOf = async (asking: Promise<readonly string[]>): Promise<Found> => {
  try {
    return await asking;
  } catch (error) {
    return error instanceof Error && 'code' in error && NOTHING.has(String(error.code)) ? [] : 'unanswered';
  }
};

/** Undefined: it leads here, by every address that it has. */
const whyNot = async (resolver: Resolver, ours: ReadonlySet<string>, name: string): Promise<string | undefined> => {
  const [v4, v6] = await Promise.all([addressesOf(resolver.resolve4(name)), addressesOf(resolver.resolve6(name))]);
  if (v4 === 'unanswered' || v6 === 'unanswered') return 'the question for its addresses is not answered';
  const found = [...v4, ...v6];
  if (found.length === 0) return 'there is no such name in DNS';
  const strange = found.filter((address) => !ours.has(address));
  return strange.length === 0 ? undefined : `it leads to ${strange.join(', ')}, which is not this server`;
};

const resolverOf = ({ wiring: { resolver } }: RenderInput): Resolver => {
  const asking = new Resolver({ timeout: MS, tries: 2 });
  asking.setServers([`${resolver.address}:${resolver.port}`]);
  return asking;
};

/** All names that may be wanted, the server's own not among them. */
export const guessedNames = async ({ settings }: RenderInput): Promise<readonly string[]> =>
  clientNames(fitDomains(await withDirectory(domains.names))).filter((name) => name !== settings.hostname);

/** The authority asks another name server than this machine did: one name that it does not find there would cost the whole certificate. */
const notEverywhere = async ({ machine }: Context, { wiring }: RenderInput, names: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  const lacking = await lackedBy(asker(machine, wiring.resolver), names).catch((error: unknown) => {
    if (error instanceof HauspostError && error.code === 'dns.no-resolver') return new Map<string, readonly string[]>();
    throw error;
  });
  return new Map([...lacking].map(([name, servers]) => [name, `not every name server has it yet: ${servers.join(', ')}`]));
};

/** By the addresses that the machine has now. */
export const certificateNames = async (context: Context, input: RenderInput): Promise<Names> => {
  const { settings } = input;
  const { v4, v6 } = reachedAt(settings, await probeFacts(context.machine, context.reporter, input.facts));
  const ours = new Set([...v4, ...v6]);
  const all = await guessedNames(input);
  const resolver = resolverOf(input);
  const names: string[] = [settings.hostname];
  const leftOut: LeftOut[] = [];
  for (let at = 0; at < Math.min(all.length, LOOKED_UP) && names.length < MOST; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE);
    const reasons = await Promise.all(some.map((name) => whyNot(resolver, ours, name)));
    for (const [index, name] of some.entries()) {
      const why = reasons[index] ?? (names.length < MOST ? undefined : `a certificate has ${MOST} names at most`);
      if (why === undefined) names.push(name);
      else leftOut.push({ name, why });
    }
  }
  const obstacles = settings.tls.challenge === 'http' ? await notEverywhere(context, input, names) : await obstaclesOf(context, input, names);
  // Without its own name there would be nothing to sign: then it is asked for, and the refusal tells.
  const out = names.slice(1).flatMap((name) => (obstacles.has(name) ? [{ name, why: obstacles.get(name) ?? '' }] : []));
  return { names: names.filter((name) => !out.some((each) => each.name === name)), leftOut: [...leftOut, ...out] };
};
