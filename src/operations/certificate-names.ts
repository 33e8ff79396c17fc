/**
 * The names that the certificate is asked for: the server's own, and those that mail programs guess, `imap.DOMAIN` and `smtp.DOMAIN`, as far as DNS leads them
 * here at this moment; so a name that is not there yet does not keep the others from being signed.
 */
import type { X509Certificate } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { HauspostError } from '#base';
import { asker, lackedBy, type Lacking } from '#dns';
import { probeFacts } from '#machine';
import { reachedAt, type RenderInput } from '#model';
import { certificateAt, isSoonOver } from '#tls';
import { publishedAddresses } from './another-machine.ts';
import { guessedNames, heldFirst, LOOKED_UP, MOST } from './candidates.ts';
import { obstaclesOf } from './dns-challenge.ts';
import type { Context } from './operation.ts';

export interface LeftOut {
  readonly name: string;
  readonly why: string;
  /** It may lead here all the same: who would have to say so did not answer, or not all say the same. */
  readonly unsure?: true;
}

export interface Names {
  /** The server's own first. */
  readonly names: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

const AT_ONCE = 20;
const MS = 5000;

/** What dns(3) of Node calls the answer that there is nothing. */
const NOTHING = new Set(['ENOTFOUND', 'ENODATA']);

const GONE = 'there is no such name in DNS';

type Found = readonly string[] | 'unanswered';

const addressesOf = async (asking: Promise<readonly string[]>): Promise<Found> => {
  try {
    return await asking;
  } catch (error) {
    return error instanceof Error && 'code' in error && NOTHING.has(String(error.code)) ? [] : 'unanswered';
  }
};

export interface Here {
  /** By which the world reaches this server now. */
  readonly ours: ReadonlySet<string>;
  /** That we have published for the server's own name: upkeep leaves one there that the machine has lost. */
  readonly published: ReadonlySet<string>;
}

/** As little as may be known to lead elsewhere: the authority decides by the addresses that answer, and one that it refuses keeps no other from being signed. */
const leadsHere = ({ ours, published }: Here, found: readonly string[], isHeld: boolean): boolean =>
  found.every((address) => ours.has(address) || published.has(address)) || (isHeld && found.some((address) => ours.has(address)));

/** Undefined: it leads here by every address that it has; or where the server's own name leads; or, where the present certificate has it, by some. */
export const elsewhere = (name: string, found: readonly string[], here: Here, isHeld: boolean): LeftOut | undefined => {
  if (found.length === 0) return { name, why: GONE };
  if (leadsHere(here, found, isHeld)) return undefined;
  return { name, why: `it leads to ${found.filter((address) => !here.ours.has(address)).join(', ')}, which is not this server` };
};

const whyNot = async (resolver: Resolver, here: Here, name: string, isHeld: boolean): Promise<LeftOut | undefined> => {
  const [v4, v6] = await Promise.all([addressesOf(resolver.resolve4(name)), addressesOf(resolver.resolve6(name))]);
  if (v4 === 'unanswered' || v6 === 'unanswered') return { name, why: 'the question for its addresses is not answered', unsure: true };
  return elsewhere(name, [...v4, ...v6], here, isHeld);
};

const resolverOf = ({ wiring: { resolver } }: RenderInput): Resolver => {
  const asking = new Resolver({ timeout: MS, tries: 2 });
  asking.setServers([`${resolver.address}:${resolver.port}`]);
  return asking;
};

/** The authority asks another name server than this machine did: one name that it does not find there would cost the whole certificate. */
const notEverywhere = async ({ machine }: Context, { wiring }: RenderInput, names: readonly string[]): Promise<readonly LeftOut[]> => {
  const lacking = await lackedBy(asker(machine, wiring.resolver), names).catch((error: unknown) => {
    if (error instanceof HauspostError && error.code === 'dns.no-resolver') return new Map<string, Lacking>();
    throw error;
  });
  return [...lacking].map(([name, { servers, all }]) =>
    all ? { name, why: GONE } : { name, why: `not every name server has it yet: ${servers.join(', ')}`, unsure: true },
  );
};

const notToBePut = async (context: Context, input: RenderInput, names: readonly string[]): Promise<readonly LeftOut[]> =>
  [...(await obstaclesOf(context, input, names))].map(([name, why]) => ({ name, why }));

interface Choice {
  readonly hostname: string;
  readonly present: Pick<X509Certificate, 'checkHost'> | undefined;
  readonly look: (name: string) => Promise<LeftOut | undefined>;
}

/** Of `guessed` as many as there is room for; one of the present certificate keeps its place as long as nobody knows whether it leads here. */
export const namesAmong = async (guessed: readonly string[], { hostname, present, look }: Choice): Promise<Names> => {
  const all = heldFirst(guessed, present).slice(0, LOOKED_UP);
  const names: string[] = [hostname];
  const leftOut: LeftOut[] = [];
  const isFull = (): boolean =>
    names.length + leftOut.filter(({ name, unsure }) => unsure === true && present?.checkHost(name) !== undefined).length >= MOST;
  for (let at = 0; at < all.length && !isFull(); at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE);
    const reasons = await Promise.all(some.map(look));
    for (const [index, name] of some.entries()) {
      const why = reasons[index] ?? (isFull() ? { name, why: `a certificate has ${MOST} names at most` } : undefined);
      if (why === undefined) names.push(name);
      else leftOut.push(why);
    }
  }
  return { names, leftOut };
};

/** By the addresses that the machine has now. */
export const certificateNames = async (context: Context, input: RenderInput): Promise<Names> => {
  const { settings } = input;
  const { v4, v6 } = reachedAt(settings, await probeFacts(context.machine, context, input.facts));
  const here = { ours: new Set([...v4, ...v6]), published: await publishedAddresses(context, input) };
  const present = await certificateAt(context.machine, input.wiring.places['tls-chain']);
  const resolver = resolverOf(input);
  const { names, leftOut } = await namesAmong(await guessedNames(input), {
    hostname: settings.hostname,
    present,
    look: (name) => whyNot(resolver, here, name, present?.checkHost(name) !== undefined),
  });
  // One server alone may have told that it is gone.
  const gone = leftOut.filter(({ name, why }) => why === GONE && present?.checkHost(name) !== undefined).map(({ name }) => name);
  const told = new Map((await notEverywhere(context, input, gone)).map((each) => [each.name, each]));
  const obstacles = await (settings.tls.challenge === 'http' ? notEverywhere : notToBePut)(context, input, names);
  // Without its own name there would be nothing to sign: then it is asked for, and the refusal tells.
  const out = obstacles.filter(({ name }) => name !== settings.hostname);
  return {
    names: names.filter((name) => !out.some((each) => each.name === name)),
    leftOut: [...leftOut.map((each) => told.get(each.name) ?? each), ...out],
  };
};

/** Of those left out the first that `present` has and that may be asked for again, as long as that can wait. */
export const awaitedOf = (present: X509Certificate | undefined, { leftOut }: Pick<Names, 'leftOut'>, now: Date): LeftOut | undefined =>
  present === undefined || present.validToDate <= now || isSoonOver(present, now)
    ? undefined
    : leftOut.find(({ name, unsure }) => unsure === true && present.checkHost(name) !== undefined);
