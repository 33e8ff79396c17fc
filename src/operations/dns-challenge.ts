/** Challenges by DNS (DNS-01, RFC 8555 section 8.4): where their records are put, by `[dns] update_server`, and whether they are seen. */
import { environmentError, operatorError } from '#base';
import { type Published, readUpdateKey, type UpdateServer, updateServer } from '#dns';
import type { RenderInput } from '#model';
import { shownEverywhere } from './dns-view.ts';
import type { Context } from './operation.ts';

/** A second attempt puts another text there, and the resolvers of the authority may show the first one for that long: it is refused then. */
export const TTL_SECONDS = 1;
const SHOWN_MS = 300_000;
const LOOK_MS = 2000;

const noServer = (): Error =>
  operatorError({
    code: 'acme.no-update-server',
    message: 'a challenge by DNS needs somebody who takes changes of the zones, and dns.update_server names nobody',
    remedy: 'Write update_server and update_key_file below [dns], or challenge = "http" below [tls].',
    detail: { path: 'dns.update_server' },
  });

export const challengeName = (name: string): string => `_acme-challenge.${name}`;

/** Throws where none is named, and where the key cannot be used. */
export const serverOf = async ({ machine }: Context, { settings: { dns }, wiring }: RenderInput): Promise<UpdateServer> => {
  if (dns.update === null) throw noServer();
  return updateServer(machine, wiring.resolver, dns.update, await readUpdateKey(machine, dns.update.keyFile));
};

/** Why no record can be put there for the name; undefined where it can. Throws where nothing can be put anywhere. */
export const obstaclesOf = async (context: Context, input: RenderInput, names: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  const homes = await (await serverOf(context, input)).homes(names.map(challengeName));
  return new Map(
    names.flatMap((name) => {
      const home = homes.get(challengeName(name));
      return home === undefined || 'zone' in home ? [] : [[name, home.elsewhere] as const];
    }),
  );
};

export const zoneOf = async (server: UpdateServer, name: string): Promise<string> => {
  const home = (await server.homes([name])).get(name);
  if (home !== undefined && 'zone' in home) return home.zone;
  throw environmentError({
    code: 'acme.no-zone',
    message: `no record can be put at ${name}: ${home?.elsewhere ?? 'its zone is not found'}`,
    remedy: 'Name the primary of its zone as update_server below [dns], or write challenge = "http" below [tls].',
  });
};

const notShown = (name: string): Error =>
  environmentError({
    code: 'acme.not-shown',
    message: `not every name server of its zone shows ${name} after ${SHOWN_MS / 60_000} minutes`,
    remedy: 'See whether all of them get changes from the primary.',
  });

export const seenEverywhere = async (context: Context, input: RenderInput, record: Published): Promise<void> => {
  const { machine } = context;
  let looked = 0;
  const isShown = async (): Promise<boolean> => {
    const now = machine.now().getTime();
    if (Math.abs(now - looked) < LOOK_MS) return false;
    looked = now;
    return (await shownEverywhere(context, input, [record])).every(({ everywhere }) => everywhere);
  };
  if (!(await machine.waitFor(isShown, SHOWN_MS))) throw notShown(record.name);
};
