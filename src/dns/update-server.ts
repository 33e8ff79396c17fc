/**
 * The name server that takes changes of our zones: what it has, asked with the same key, and a change of a zone, by nsupdate(1). What it has against
 * a question or a change is told as who can mend it: the key is the operator's, the server and its clock are surroundings.
 */
import { environmentError, failure, type HauspostError, operatorError } from '#base';
import type { DnsUpdate } from '#config';
import { type FoundRecord, parseNsupdate, renderNsupdate, type Reply, type UpdateReply, type ZoneChange } from '#formats';
import type { Machine, Ran } from '#machine';
import { askSigned } from './asking-signed.ts';
import type { UpdateKey } from './update-key.ts';

export interface Asked {
  readonly name: string;
  readonly type: string;
}

/** A zone as it is there, or why nothing can be changed there. */
export type Home = { readonly zone: string } | { readonly elsewhere: string };

export interface UpdateServer {
  /** As in messages: address, and port where it is another than usual. */
  readonly called: string;
  /** In which zone of it each name lies. Throws where it does not answer, or takes nothing from this key. */
  readonly homes: (names: readonly string[]) => Promise<ReadonlyMap<string, Home>>;
  /** All it has of each name and type; an alias (CNAME) at that name instead, if there is one. */
  readonly found: (questions: readonly Asked[]) => Promise<readonly (readonly FoundRecord[])[]>;
  /** Nothing is really there: an answer comes from a wildcard (RFC 4592), which is no record of that name to an update. */
  readonly isUnused: (zone: string, name: string) => Promise<boolean>;
  /** All of it or nothing. Throws where it was not taken. */
  readonly send: (change: ZoneChange) => Promise<void>;
}

const MS = 60_000;
/** Of a whole change by TCP: `-t` of nsupdate(1). */
const SECONDS = 20;

interface Who {
  readonly called: string;
  readonly key: UpdateKey;
}

const silent = ({ called }: Who): HauspostError =>
  environmentError({
    code: 'dns.update-server',
    message: `the name server ${called}, which dns.update_server names, does not answer`,
    remedy: 'See whether it runs, and whether this machine may reach it by UDP and TCP; or write another update_server below [dns].',
  });

const keyError = (code: string, { key }: Who, message: string, remedy: string): HauspostError =>
  operatorError({ code, message, remedy, detail: { path: 'dns.update_key_file', file: key.file, key: key.name } });

/** RFC 8945 section 5.2. Knot says BADKEY also to a key that it knows and that may not do this. */
const signature = (who: Who, error: string, what: string): HauspostError => {
  const { called, key } = who;
  if (error === 'BADTIME')
    return environmentError({
      code: 'dns.update-clock',
      message: `the clocks of this machine and of ${called} differ by minutes (BADTIME), so it believes no signature`,
      remedy: "See 'timedatectl' here and there.",
    });
  if (error === 'BADSIG')
    return keyError(
      'dns.update-secret',
      who,
      `${called} has another secret for the key ${key.name} than ${key.file} (BADSIG)`,
      'Write the secret and the algorithm that it has there, or a key that it knows.',
    );
  return keyError(
    'dns.update-key',
    who,
    `${called} does not know the key ${key.name} of ${key.file}, or does not let it ${what} (${error})`,
    'Name a key that it knows, or let it know this one; docs/dns.md says how.',
  );
};

const broken = ({ called }: Who, status: string, what: string): HauspostError =>
  environmentError({
    code: 'dns.update-failed',
    message: `${called} answers ${status} to ${what}`,
    remedy: 'See its log; if it is not the primary of the zone, name that one as update_server below [dns].',
  });

/** RFC 2136 section 3.2.5: a prerequisite did not hold. */
const MEANWHILE = new Set(['NXRRSET', 'YXRRSET', 'NXDOMAIN', 'YXDOMAIN']);

const refused = (who: Who, { status, tsig }: UpdateReply, zone: string): HauspostError => {
  const { called, key } = who;
  if (tsig !== undefined) return signature(who, tsig, `change these records of ${zone}`);
  if (MEANWHILE.has(status))
    return failure({
      code: 'dns.changed-meanwhile',
      message: `somebody else changed records of ${zone} meanwhile (${status}); nothing was changed there`,
      remedy: 'Run it again, and look at what is there now.',
    });
  if (status === 'REFUSED')
    return environmentError({
      code: 'dns.update-refused',
      message: `${called} does not let the key ${key.name} change these records of ${zone} (REFUSED); nothing was changed there`,
      remedy: 'Allow it there (allow-update or update-policy of BIND, acl of Knot, TSIG-ALLOW-DNSUPDATE of PowerDNS); docs/dns.md says how.',
    });
  if (status === 'NOTAUTH' || status === 'NOTZONE')
    return environmentError({
      code: 'dns.update-not-authoritative',
      message: `${called} is not the primary of ${zone}, has these names in another zone, or does not let the key ${key.name} change them (${status}); nothing was changed there`,
      remedy: 'Name the primary as update_server below [dns], and allow it there; docs/dns.md says how.',
    });
  return broken(who, status, `a change of ${zone}`);
};

/** Where a start of authority says that the name lies. */
const zoneIn = ({ answer, authority }: Reply): string | undefined => [...answer, ...authority].find(({ type }) => type === 'SOA')?.name;

const parentOf = (name: string): string => (name.includes('.') ? name.slice(name.indexOf('.') + 1) : '.');

const isAlias = ({ answer, question }: Reply): boolean => answer.some(({ name, type }) => type === 'CNAME' && name === question.name);

/** Of a question NOTAUTH is about nothing else (RFC 8945 section 5.2); Knot 3.4 says no more to a key that it does not know. */
const signatureError = ({ tsig, status }: Reply): string | undefined => tsig ?? (status === 'NOTAUTH' ? status : undefined);

/** Answers that say something of the zone. */
const TOLD = new Set(['NOERROR', 'NXDOMAIN', 'REFUSED']);

const homeOf = (who: Who, reply: Reply): Home => {
  const error = signatureError(reply);
  if (error !== undefined) return { elsewhere: `${who.called} takes nothing for it from the key ${who.key.name} (${error})` };
  if (!TOLD.has(reply.status)) return { elsewhere: `${who.called} answers ${reply.status} for it` };
  const zone = reply.flags.has('aa') && reply.status !== 'REFUSED' ? zoneIn(reply) : undefined;
  return zone === undefined ? { elsewhere: `${who.called} does not serve its zone` } : { zone };
};

const told = (who: Who, reply: Reply | undefined): Reply => {
  if (reply === undefined) throw silent(who);
  if (reply.tsig === 'BADSIG' || reply.tsig === 'BADTIME') throw signature(who, reply.tsig, 'ask');
  return reply;
};

type Ask = (questions: readonly Asked[]) => Promise<readonly Reply[]>;

const homesBy = async (who: Who, ask: Ask, names: readonly string[]): Promise<ReadonlyMap<string, Home>> => {
  const questions = names.map((name) => ({ name, type: 'SOA' }));
  // Who does not answer the first one would let each of the others wait.
  await ask(questions.slice(0, 1));
  const replies = await ask(questions);
  const homes = new Map<string, Home>();
  for (const reply of replies) if (!isAlias(reply)) homes.set(reply.question.name, homeOf(who, reply));
  const error = replies.map(signatureError).find((each) => each !== undefined);
  if (error !== undefined && [...homes.values()].every((home) => 'elsewhere' in home)) throw signature(who, error, 'change any of these zones');
  const aliases = names.filter((name) => !homes.has(name));
  if (aliases.length === 0) return homes;
  const above = await homesBy(who, ask, [...new Set(aliases.map(parentOf))]);
  for (const name of aliases) homes.set(name, above.get(parentOf(name)) ?? { elsewhere: `${who.called} does not serve its zone` });
  return homes;
};

const foundBy = async (who: Who, ask: Ask, questions: readonly Asked[]): Promise<readonly (readonly FoundRecord[])[]> => {
  const replies = await ask(questions);
  return replies.map((reply, index) => {
    const { status, answer } = reply;
    const { name = '', type = '' } = questions[index] ?? {};
    const error = signatureError(reply);
    if (error !== undefined) throw signature(who, error, 'ask');
    if (status !== 'NOERROR' && status !== 'NXDOMAIN') throw broken(who, status, `the question for ${name} ${type}`);
    return answer.filter((each) => each.name === name && (each.type === type || each.type === 'CNAME'));
  });
};

export const updateServer = (machine: Pick<Machine, 'run'>, { server: { address, port } }: DnsUpdate, key: UpdateKey): UpdateServer => {
  const who: Who = { called: port === 53 ? address : `${address} port ${port}`, key };
  const ask: Ask = async (questions) => (await askSigned(machine, { address, port, keyFile: key.file }, questions)).map((reply) => told(who, reply));
  const sent = async (change: ZoneChange): Promise<Ran & { readonly reply: UpdateReply | undefined }> => {
    const argv = ['nsupdate', '-v', '-t', String(SECONDS), '-k', key.file];
    const ran = await machine.run(argv, { input: renderNsupdate({ address, port }, change), ms: MS });
    return { ...ran, reply: parseNsupdate(ran.stdout) };
  };
  return {
    called: who.called,
    homes: (names) => homesBy(who, ask, names),
    found: (questions) => foundBy(who, ask, questions),
    isUnused: async (zone, name) => (await sent({ zone, prerequisites: [{ is: 'unused', name }], remove: [], add: [] })).reply?.status === 'NOERROR',
    send: async (change) => {
      const { reply, code, stderr } = await sent(change);
      if (reply === undefined && code === 1)
        throw failure({ code: 'dns.nsupdate', message: `nsupdate: ${stderr.trim()}`, remedy: 'See the lines above.' });
      if (reply === undefined) throw silent(who);
      if (reply.status !== 'NOERROR' || reply.tsig !== undefined) throw refused(who, reply, change.zone);
    },
  };
};
