/**
 * What `up` says of the world: which records DNS does not show yet, addresses without their name, whether mail gets out, blocklists. In short, since on the
 * first day nothing is published; `dns check` and `doctor` say each thing by itself.
 */
import { asHauspostError, failure, HauspostError, readable } from '#base';
import { isOptional } from '#dns';
import type { Finding, RenderInput } from '#model';
import { lookAtDns } from './dns-check.ts';
import type { Context } from './operation.ts';
import { outwardFindings } from './outwards.ts';

type Dns = Awaited<ReturnType<typeof lookAtDns>>;

/** Between two looks: long enough for those who are asked. */
const EVERY_MS = 20_000;
/** Who publishes by hand may have to wait for somebody; after this he will come back himself. */
const AT_MOST_MS = 86_400_000;
const NAMED = 5;

const GOOD = new Set<Dns['records'][number]['state']>(['right', 'differs', 'stale', 'left-over', 'unevaluated']);
/** What the summary is about; all other findings are about zones and name servers. */
const OF_RECORDS = new Set(['dns.differs', 'dns.missing', 'dns.wrong', 'dns.in-the-way', 'dns.cname', 'dns.not-everywhere']);

const lacking = ({ records }: Dns): Dns['records'] => records.filter(({ state }) => !GOOD.has(state));
const needed = (dns: Dns): Dns['records'] => lacking(dns).filter(({ kind, state }) => state !== 'missing' || !isOptional(kind));

const namesOf = (records: Dns['records']): string => {
  const named = records.slice(0, NAMED).map(({ name, type }) => `${readable(name)} ${type}`);
  return [...named, ...(records.length > NAMED ? [`and ${records.length - NAMED} more`] : [])].join(', ');
};

const incomplete = (dns: Dns): readonly Finding[] => {
  const records = lacking(dns).filter(({ type }) => type !== 'PTR');
  if (records.length === 0) return [];
  const must = needed(dns).filter(({ type }) => type !== 'PTR');
  const message =
    must.length > 0
      ? `DNS does not show yet what others must see of this server: ${namesOf(must)}`
      : `DNS does not show what is better there, though mail comes and goes without: ${namesOf(records)}`;
  const remedy = `'hauspost dns records' shows each with its reason, to be published in the zone; 'hauspost dns check' looks again${records.some(({ state }) => state !== 'missing') ? ' and says what is there instead' : ''}.`;
  return [{ level: 'warning', code: 'dns.incomplete', message, remedy }];
};

const nameless = (dns: Dns): readonly Finding[] => {
  const addresses = lacking(dns)
    .filter(({ type }) => type === 'PTR')
    .map(({ of }) => of);
  if (addresses.length === 0) return [];
  const message = `many servers will refuse mail from ${addresses.join(' and ')}, whose name (PTR) is not ${dns.hostname} alone`;
  return [{ level: 'warning', code: 'dns.ptr', message, remedy: `Ask whoever gave you the address to name it ${dns.hostname}.` }];
};

const inShort = (dns: Dns): readonly Finding[] => [...dns.findings.filter(({ code }) => !OF_RECORDS.has(code)), ...incomplete(dns), ...nameless(dns)];

/** Whether it still holds when DNS shows everything. */
export const isLasting = ({ level, code }: Finding): boolean => level === 'warning' && code !== 'dns.incomplete' && code !== 'dns.ptr';

/** What cannot be asked is told like anything else that is wrong. */
const toldOf = async (work: Promise<readonly Finding[]>): Promise<readonly Finding[]> =>
  work.catch((thrown: unknown) => {
    const { code, message, remedy } = asHauspostError(thrown);
    return [{ level: 'error' as const, code, message, remedy }];
  });

/** Each record that is wrong by itself. */
export const dnsFindingsInFull = (context: Context, input: RenderInput): Promise<readonly Finding[]> =>
  toldOf(lookAtDns(context, input).then(({ findings }) => findings));

/** Profile `local` has nothing to do with the world. */
export const worldFindings = async (context: Context, input: RenderInput): Promise<readonly Finding[]> =>
  input.settings.profile === 'local' ? [] : (await Promise.all([toldOf(lookAtDns(context, input).then(inShort)), outwardFindings(input)])).flat();

const notWaited = (lacks: string): Error =>
  failure({
    code: 'up.dns',
    message: `the server runs, but the wait for DNS ended early: ${lacks}`,
    remedy: "Run 'hauspost dns check' later, or 'hauspost up --wait-for-dns' again.",
  });

const pause = async ({ machine, signal }: Context, lacks: string): Promise<void> => {
  try {
    await machine.pause(EVERY_MS, signal);
  } catch (error) {
    throw signal.aborted ? notWaited(lacks) : error;
  }
};

const lackingText = (dns: Dns): string => {
  const records = needed(dns);
  if (records.length > 0) return `it does not show yet ${namesOf(records)}`;
  return dns.findings.flatMap(({ level, message }) => (level === 'error' ? [message] : [])).join('; ');
};

/** What is still lacking; undefined: nothing. That nobody could be asked may be over in a moment, too. */
const lacks = async (context: Context, input: RenderInput): Promise<string | undefined> => {
  try {
    const dns = await lookAtDns(context, input);
    return dns.ok ? undefined : lackingText(dns);
  } catch (error) {
    if (error instanceof HauspostError && error.code === 'dns.no-resolver') return error.message;
    throw error;
  }
};

/** Answers once every name server shows every record; says what is lacking whenever that changes. */
export const waitForDns = async (context: Context, input: RenderInput): Promise<void> => {
  const until = context.machine.now().getTime() + AT_MOST_MS;
  for (let said = ''; ; ) {
    const now = await lacks(context, input);
    if (now === undefined) return;
    if (now !== said) context.reporter.emit({ kind: 'info', text: `waits for DNS: ${now}` });
    said = now;
    if (context.machine.now().getTime() > until) throw notWaited(now);
    await pause(context, now);
  }
};
