/** `dns push`: publishes the records at the name server that takes changes (RFC 2136), after it has shown what would change. */
import { createHash } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { operatorError } from '#base';
import { type Difference, isChange, placeKey, type Pushed } from '#dns';
import { withLock } from '#machine';
import { loadInput } from './desired.ts';
import { changesText, conflictFindings, conflictsIn, elsewhereFindings, valueOurs, valueThere } from './dns-found.ts';
import { type Carried, carryOutPush, lookForPush, type Pushing, reverseToAsk } from './dns-pushing.ts';
import { type Consent, type Context, operation } from './operation.ts';
import { finding, requireConsent, warned } from './people.ts';
import { DNS_LOCK } from './publish.ts';
import { noteTlsaChange } from './tlsa-change.ts';

const text = z.string();
const value = z.object({ name: text, type: text, value: text.describe('as in a zone file'), ttl: z.number() });
const why = text.describe('why it is there');

const zone = z.object({
  zone: text,
  pushed: z.boolean().describe('false: nothing was to be changed, or the name server does not take it'),
  added: z.array(value.extend({ why })).readonly(),
  changed: z.array(z.object({ name: text, type: text, from: z.array(value).readonly(), to: z.array(value).readonly(), why })).readonly(),
  removed: z.array(value).readonly(),
  kept: z.array(value).readonly(),
  foreign: z.array(value).readonly().describe("somebody else's, beside ours; left as they are"),
  conflicts: z
    .array(z.object({ name: text, type: text, found: z.array(text).readonly(), wanted: z.array(value).readonly() }))
    .readonly()
    .describe("somebody else's, where ours should be; left as they are"),
});

const output = z.object({
  server: text,
  pushed: z.boolean(),
  zones: z.array(zone).readonly(),
  reverse: z
    .array(z.object({ address: text, name: text, target: text }))
    .readonly()
    .describe('names of addresses, to ask the provider of each address for'),
  findings: z.array(finding).readonly(),
});

interface Input {
  readonly domain?: string | undefined;
  readonly take_over?: string | undefined;
}

/** `example.org/MX,www.example.org/A` as typed: names in any script, types in any case. */
const takenOver = (typed: string | undefined): ReadonlySet<string> =>
  new Set(
    (typed === undefined ? [] : typed.split(',')).map((each) => {
      const [, name = '', type = ''] = /^\s*([^/\s]+?)\.?\/([a-z0-9]+)\s*$/i.exec(each) ?? [];
      const ascii = domainToASCII(name);
      if (ascii !== '') return placeKey({ name: ascii, type: type.toUpperCase() });
      throw operatorError({
        code: 'usage.value',
        message: `--take-over ${JSON.stringify(typed)} is no name with a type`,
        remedy: 'Write name and type, as in --take-over example.org/MX; several with commas between.',
      });
    }),
  );

/** A slip of the pen must not look as if it had been obeyed. */
const refuseUnknown = ({ plan }: Pushing, takeOver: ReadonlySet<string>): void => {
  const names = new Set(plan.zones.flatMap(({ differences }) => differences.map(({ name }) => name)));
  const unknown = [...takeOver].find((place) => !names.has(place.slice(0, place.lastIndexOf('/'))));
  if (unknown === undefined) return;
  const open = plan.zones.flatMap(({ differences }) => conflictsIn(differences)).map(placeKey);
  throw operatorError({
    code: 'dns.take-over',
    message: `--take-over names ${unknown}, and nothing of ours is to be there`,
    remedy: open.length === 0 ? 'Leave it out: nothing stands in the way.' : `In the way stand: ${open.join(', ')}.`,
  });
};

const look = async (context: Context, input: Input): Promise<Pushing> => {
  const takeOver = takenOver(input.take_over);
  const pushing = await lookForPush(context, await loadInput(context), { only: input.domain, takeOver, unasked: false });
  refuseUnknown(pushing, takeOver);
  return pushing;
};

const changesOf = ({ plan }: Pushing): readonly Difference[] => plan.zones.flatMap(({ differences }) => differences.filter(isChange));

const COPY = 'Another machine has published so far, and this one seems to be a copy of it. What follows leads the world here.\n';

const consentTo = (pushing: Pushing): readonly Consent[] => {
  const changes = changesOf(pushing);
  if (changes.length === 0) return [];
  // Name servers tell records of one name in another order each time.
  const lines = changes.flatMap(({ add, remove }) => [...add.map(valueOurs), ...remove.map(valueThere)].map((each) => JSON.stringify(each)));
  const exactly = lines.toSorted().join();
  const id = `dns:${createHash('sha256').update(exactly).digest('hex').slice(0, 16)}`;
  return [{ id, text: `${pushing.isCopy ? COPY : ''}${changesText(pushing)}`, question: 'Publish this?' }];
};

const isReplaced = ({ add, remove }: Difference): boolean => add.length > 0 && remove.length > 0;

const zoneOutput = ({ zone: name, differences }: Pushed, { done }: Carried): z.output<typeof zone> => {
  const alone = differences.filter((difference) => !isReplaced(difference));
  const wanted = (record: Difference['add'][number]): z.output<typeof value> & { why: string } => ({ ...valueOurs(record), why: record.why });
  return {
    zone: name,
    pushed: done.some((each) => each.zone === name),
    added: alone.flatMap(({ add }) => add.map(wanted)),
    changed: differences.filter(isReplaced).map((difference) => ({
      name: difference.name,
      type: difference.type,
      from: difference.remove.map(valueThere),
      to: difference.add.map(valueOurs),
      why: difference.add[0]?.why ?? '',
    })),
    removed: alone.flatMap(({ remove }) => remove.map(valueThere)),
    kept: differences.flatMap(({ kept }) => kept.map(valueOurs)),
    foreign: differences.flatMap(({ foreign }) => foreign.map(valueThere)),
    conflicts: conflictsIn(differences).map(({ wanted: ours, ...conflict }) => ({ ...conflict, wanted: ours.map(valueOurs) })),
  };
};

export const push = operation({
  name: 'dns push',
  summary: 'Publishes the DNS records at the name server that dns.update_server names; shows first what would change, and touches only what is ours.',
  example: 'hauspost dns push example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({
    domain: z.string().optional().describe('one domain, with the records of the server if its name lies in it; or that name; otherwise all'),
    take_over: z
      .string()
      .optional()
      .describe("NAME/TYPE of records of somebody else's that ours are to replace, such as example.org/MX; several with commas between"),
  }),
  output,
  needs: 'server',
  consents: async (context, input) => consentTo(await look(context, input)),
  run: (context, input) =>
    withLock(
      'hauspost dns push',
      async () => {
        const pushing = await look(context, input);
        const [consent] = consentTo(pushing);
        if (consent !== undefined) requireConsent(context, consent.id);
        await noteTlsaChange(context, pushing);
        const carried = await carryOutPush(context, pushing);
        return {
          server: pushing.server.called,
          pushed: carried.done.length > 0,
          zones: pushing.plan.zones
            .filter(({ zone: name }) => !carried.denied.some((each) => each.zone === name))
            .map((each) => zoneOutput(each, carried)),
          reverse: reverseToAsk(pushing, carried).map(({ address, name, data }) => ({ address, name, target: data.target })),
          findings: warned(context, [...conflictFindings(pushing), ...elsewhereFindings(pushing)]),
        };
      },
      { name: DNS_LOCK, wait: { tell: (holder) => context.reporter.emit({ kind: 'info', text: `waits for ${holder}` }), signal: context.signal } },
    ),
  exitCode: ({ zones }) => (zones.some(({ conflicts }) => conflicts.length > 0) ? 1 : 0),
});
