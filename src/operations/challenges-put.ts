/**
 * Which records of challenges were put into DNS and not taken away yet: noted before each is sent. certbot that is ended in the middle calls nobody to take
 * them away, so that is made good before an authority is asked again.
 */
import { z } from 'zod';
import { type AbsPath, HauspostError, path } from '#base';
import type { UpdateServer } from '#dns';
import type { RenderInput } from '#model';
import type { Context } from './operation.ts';

const challenge = z.object({ zone: z.string(), name: z.string(), text: z.string() });
export type Challenge = z.output<typeof challenge>;
const document = z.array(challenge);

const fileOf = ({ wiring: { places } }: RenderInput): AbsPath => path(`${places.state}/acme/challenges.json`);

/** What cannot be read is as good as none: others' records are not taken away for it. */
const noted = async ({ machine }: Context, input: RenderInput): Promise<readonly Challenge[]> => {
  try {
    return document.parse(JSON.parse((await machine.read(fileOf(input)))?.toString() ?? '[]'));
  } catch {
    return [];
  }
};

const note = async ({ machine }: Context, input: RenderInput, challenges: readonly Challenge[]): Promise<void> => {
  if (challenges.length === 0) return machine.remove(fileOf(input));
  await machine.makeDir(path(`${input.wiring.places.state}/acme`), { owner: 'root:root', mode: 0o700 });
  await machine.write(fileOf(input), `${JSON.stringify(challenges, null, 1)}\n`, { owner: 'root:root', mode: 0o600 });
};

const isSame = (one: Challenge, other: Challenge): boolean => one.zone === other.zone && one.name === other.name && one.text === other.text;

const recordOf = ({ name, text }: Challenge) => ({ name, type: 'TXT', value: `"${text}"` });

/** A second attempt puts another text there, and the resolvers of the authority may show the first one for that long: it is refused then. */
const TTL_SECONDS = 1;

const without = async (context: Context, input: RenderInput, one: Challenge): Promise<readonly Challenge[]> =>
  (await noted(context, input)).filter((each) => !isSame(each, one));

/** By its own word the server has changed nothing. */
const NOTHING_PUT = new Set(['dns.update-refused', 'dns.update-key', 'dns.update-not-authoritative']);

export const put = async (context: Context, input: RenderInput, server: UpdateServer, one: Challenge): Promise<void> => {
  await note(context, input, [...(await without(context, input, one)), one]);
  try {
    await server.send({ zone: one.zone, prerequisites: [], remove: [], add: [{ ...recordOf(one), ttl: TTL_SECONDS }] });
  } catch (error) {
    if (error instanceof HauspostError && NOTHING_PUT.has(error.code)) await note(context, input, await without(context, input, one));
    throw error;
  }
};

export const takeAway = async (context: Context, input: RenderInput, server: UpdateServer, one: Challenge): Promise<void> => {
  await server.send({ zone: one.zone, prerequisites: [], remove: [recordOf(one)], add: [] });
  await note(context, input, await without(context, input, one));
};

/** What cannot be taken away at this moment stays noted. */
export const takeLeftOversAway = async (context: Context, input: RenderInput, serverOf: () => Promise<UpdateServer>): Promise<void> => {
  for (const one of await noted(context, input)) {
    try {
      await takeAway(context, input, await serverOf(), one);
    } catch (error) {
      if (!(error instanceof HauspostError) || error.blame === 'bug') throw error;
      return;
    }
  }
};
