/**
 * A change of a zone as the server is asked for it: with what was seen before as its condition, so that what somebody else changed meanwhile is not
 * overwritten (RFC 2136 section 2.4); and whether the server then shows it.
 */
import { failure } from '#base';
import { type FoundRecord, type Prerequisite, recordText, type ZoneChange } from '#formats';
import type { Machine } from '#machine';
import type { Difference, There } from './difference.ts';
import { isChange, lookAgain, type Pushed } from './pushing.ts';
import { isSame } from './same.ts';
import type { UpdateServer } from './update-server.ts';

/** A message has at most 65,535 octets; a record takes about as many there as here in text. */
const MOST = 40_000;
/** Until the server shows what it has taken: one that signs aside (inline-signing of BIND) does so a moment later. */
const SHOWN_MS = 10_000;

const exactly = (name: string, records: readonly FoundRecord[]): readonly Prerequisite[] =>
  [...Map.groupBy(records, ({ type }) => type)].map(([type, some]) => ({ is: 'exactly', name, type, values: some.map(({ text }) => text) }));

/** What was seen of the name: of that type, and of what cannot stand beside it. */
const seen = ({ name, type, add, there: { same, others } }: Difference): readonly Prerequisite[] => {
  const none: readonly Prerequisite[] = type === 'CNAME' && others.length === 0 ? [{ is: 'unused', name }] : [{ is: 'absent', name, type }];
  const alias: readonly Prerequisite[] = type === 'CNAME' || others.length > 0 || add.length === 0 ? [] : [{ is: 'absent', name, type: 'CNAME' }];
  return [...(same.length > 0 ? exactly(name, same) : none), ...exactly(name, others), ...alias];
};

const unique = <T>(list: readonly T[]): readonly T[] => [...new Map(list.map((each) => [JSON.stringify(each), each])).values()];

/** An alias is replaced by the next one (RFC 2136 section 3.4.2.2). Were it removed first, Knot would find signatures at its name, and leave out what is to come. */
const toRemove = ({ add, remove }: Difference): readonly FoundRecord[] =>
  add.some(({ type }) => type === 'CNAME') ? remove.filter(({ type }) => type !== 'CNAME') : remove;

const changeOf = (zone: string, differences: readonly Difference[]): ZoneChange => ({
  zone,
  prerequisites: unique(differences.flatMap(seen)),
  remove: unique(differences.flatMap((each) => toRemove(each).map(({ name, type, text }) => ({ name, type, value: text })))),
  add: differences.flatMap(({ add }) =>
    add.map((record) => ({ name: record.name, type: record.type, ttl: record.ttl, value: recordText(record, record.name) })),
  ),
});

/** Nearly always one; all of a name stays together. */
const messagesFor = ({ zone, differences }: Pushed): readonly ZoneChange[] => {
  const parts: Difference[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const some of Map.groupBy(differences.filter(isChange), ({ name }) => name).values()) {
    const more = JSON.stringify(changeOf(zone, some)).length;
    if (size + more > MOST) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)?.push(...some);
    size += more;
  }
  return parts.map((part) => changeOf(zone, part));
};

const isDone = ({ add, remove }: Difference, { same, others }: There): boolean => {
  const all = [...same, ...others];
  const isAdded = add.every((record) => all.some(({ read, ttl }) => read !== undefined && isSame(read, record) && ttl === record.ttl));
  const isStill = ({ type, text, read }: FoundRecord): boolean =>
    !add.some((record) => read !== undefined && isSame(read, record)) && all.some((each) => each.type === type && each.text === text);
  return isAdded && !remove.some(isStill);
};

/** Throws where the server does not take it, or does not show it then. */
export const carryOut = async (machine: Machine, server: UpdateServer, pushed: Pushed): Promise<void> => {
  const changed = pushed.differences.filter(isChange);
  for (const change of messagesFor(pushed)) await server.send(change);
  let open: readonly Difference[] = changed;
  const isShown = async (): Promise<boolean> => {
    const now = await lookAgain(server, open);
    open = open.filter((difference, index) => !isDone(difference, now[index] ?? { same: [], others: [] }));
    return open.length === 0;
  };
  if (await machine.waitFor(isShown, SHOWN_MS)) return;
  const which = open.map(({ name, type }) => `${name} ${type}`).join(', ');
  throw failure({
    code: 'dns.not-shown',
    message: `${server.called} has taken the change of ${pushed.zone} and does not show it: ${which}`,
    remedy: "See its log; there may be something else of that name. 'hauspost dns push' shows what is there now.",
  });
};
