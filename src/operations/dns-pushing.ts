/** What `dns push` and upkeep share: what is to be changed at the name server that takes changes (RFC 2136), and the change. */
import { environmentError, HauspostError, operatorError, parseDomain } from '#base';
import { domains } from '#directory';
import {
  carryOut,
  type Claims,
  claims,
  concernOf,
  type Difference,
  type DnsFacts,
  type DnsRecord,
  type Identity,
  identityOf,
  isChange,
  lookAt,
  placeOf,
  type PushPlan,
  type Pushed,
  putClaims,
  readUpdateKey,
  recordsOf,
  type Reverse,
  type UpdateServer,
  updateServer,
  type Wanted,
} from '#dns';
import type { RenderInput } from '#model';
import { claimsFile, isCopy, publisher, publisherAfter } from './another-machine.ts';
import { fitDomains } from './dkim.ts';
import { chosen, factsFor } from './dns.ts';
import type { Context } from './operation.ts';
import { withDirectory } from './people.ts';

export interface PushOptions {
  /** As typed: a domain, or the server's own name. */
  readonly only?: string | undefined;
  readonly takeOver: ReadonlySet<string>;
  /** Nobody was asked: what may be there again in a moment stays, such as an address that the machine has lost, or a domain that the database does not have. */
  readonly unasked: boolean;
}

export interface Pushing {
  readonly server: UpdateServer;
  readonly plan: PushPlan;
  readonly claimed: Claims;
  /** Another machine has published so far. */
  readonly isCopy: boolean;
  /** Who counts as the publisher once this is carried out. */
  readonly by: Claims['by'];
  /** Records of ours that stay, although the database does not have their domain. */
  readonly leftOver: readonly Difference[];
  readonly input: RenderInput;
  /** All names of addresses. */
  readonly reverse: readonly Reverse[];
}

const unset = (): Error =>
  operatorError({
    code: 'dns.update-unset',
    message: 'which name server takes changes is not written down: update_server and update_key_file are missing below [dns]',
    remedy:
      'Write [dns], update_server = "192.0.2.53", the primary of your zones, and update_key_file = "/etc/hauspost/dns-key"; or publish by hand what \'hauspost dns records\' shows.',
    detail: { path: 'dns.update_server' },
  });

const local = (): Error =>
  operatorError({
    code: 'dns.local',
    message: 'the profile is "local": only this machine reaches the server, and nobody outside is to be led here',
    remedy: 'Write profile = "public" below [server], or leave DNS alone.',
  });

const asRecord = ({ name, type, data, why }: Reverse, ttl: number): DnsRecord => ({ name, type, data, why, ttl, zone: name });

const isReverse = ({ type }: { readonly type: string }): boolean => type === 'PTR';

const OF_ADDRESSES = new Set(['A', 'AAAA', 'PTR']);
const OF_CERTIFICATE = new Set(['CNAME', 'CAA']);

/** Nobody here knows the domain at this moment: the database may be younger than what was published. */
const isUnknown = ({ hostname, domains: served }: DnsFacts, wanted: Pick<Wanted, 'name' | 'type'>): boolean => {
  const concern = concernOf(wanted);
  return concern !== hostname && served.every(({ domain }) => domain !== concern);
};

/** Which key is served, for which names, and who signed for it: what lies there does not tell. */
const isCertificateUnknown = ({ certificateRead, keys }: DnsFacts): boolean => !certificateRead || keys.length === 0;

/** At this moment, whether such a record is to be: SPF is left out where no address is known, and what goes by the certificate where that cannot be read. */
const isUncertain = (facts: DnsFacts, wanted: Pick<Wanted, 'name' | 'type'>): boolean =>
  (wanted.type === 'TXT' && wanted.name === concernOf(wanted)) || (OF_CERTIFICATE.has(wanted.type) && isCertificateUnknown(facts));

/** What would leave the server without the record that others need at this moment. */
const sparedBy =
  (facts: DnsFacts, unasked: boolean) =>
  (wanted: Wanted): boolean => {
    const { type, records } = wanted;
    if (unasked && records.length === 0 && (OF_ADDRESSES.has(type) || isUncertain(facts, wanted) || isUnknown(facts, wanted))) return true;
    // As long as daemons serve another key than the one that lies there, its record has to stay (RFC 7671 section 8.1).
    return type === 'TLSA' && isCertificateUnknown(facts);
  };

const leftOverIn = ({ zones }: PushPlan, facts: DnsFacts, published: ReadonlySet<Identity>): readonly Difference[] =>
  zones
    .flatMap(({ differences }) => differences)
    .filter(
      (each) =>
        each.records.length === 0 &&
        each.remove.length === 0 &&
        !isReverse(each) &&
        isUnknown(facts, each) &&
        each.there.same.some(({ name, read }) => read !== undefined && published.has(identityOf({ ...read, name }))),
    );

const wantedOf = (facts: DnsFacts, only: string | undefined): readonly DnsRecord[] => {
  const { records, reverse } = recordsOf(facts, only);
  return [...records, ...reverse.map((each) => asRecord(each, facts.ttl))];
};

/** All of it is somewhere else: then nothing of what was asked can be done. */
const refuseNothingThere = ({ called }: UpdateServer, { zones, elsewhere }: PushPlan): void => {
  const [first] = elsewhere.filter(({ record }) => !isReverse(record));
  if (first === undefined || zones.some(({ differences }) => differences.some(({ records }) => records.some((record) => !isReverse(record))))) return;
  throw environmentError({
    code: 'dns.zone-elsewhere',
    message: `${first.record.name} cannot be published: ${first.why}`,
    remedy: `Name the primary of the zone ${first.record.zone} as update_server below [dns], let ${called} serve it, or publish by hand what 'hauspost dns records' shows.`,
    detail: { zone: first.record.zone },
  });
};

/** Reads only. Throws where nothing could be pushed, with who can mend it. */
export const lookForPush = async (context: Context, input: RenderInput, { only, takeOver, unasked }: PushOptions): Promise<Pushing> => {
  const { settings } = input;
  if (only !== undefined) parseDomain(only);
  if (settings.profile === 'local') throw local();
  if (settings.dns.update === null) throw unset();
  const key = await readUpdateKey(context.machine, settings.dns.update.keyFile);
  const names = fitDomains(await withDirectory(domains.names));
  const facts = await factsFor(context, input, names);
  const within = chosen(only, [...names, facts.home, facts.hostname]);
  const claimed = await claims(context.machine, claimsFile(input));
  const { published } = claimed;
  const server = updateServer(context.machine, settings.dns.update, key);
  const rights = { published, takeOver, spared: sparedBy(facts, unasked) };
  const plan = await lookAt(server, { ...rights, within, wanted: wantedOf(facts, within), all: wantedOf(facts, undefined) });
  refuseNothingThere(server, plan);
  const who = await publisher(context, claimed);
  return {
    server,
    plan,
    claimed,
    isCopy: isCopy(who),
    by: publisherAfter(who, !unasked && only === undefined),
    leftOver: leftOverIn(plan, facts, published),
    input,
    reverse: recordsOf(facts, within).reverse,
  };
};

/** Ours, of what is there or comes. */
const idsOf = ({ add, kept }: Difference): readonly Identity[] => [...add, ...kept].map(identityOf);

/** Published once, wanted no longer, and no longer there. */
const vanished = (published: ReadonlySet<Identity>, { name, type, records, there, remove }: Difference): readonly Identity[] => {
  const wanted = new Set(records.map(identityOf));
  const left = new Set(
    there.same.filter((found) => !remove.includes(found)).flatMap((found) => (found.read === undefined ? [] : [identityOf({ ...found.read, name })])),
  );
  return [...published].filter((id) => {
    const place = placeOf(id);
    return place.name === name && place.type === type && !wanted.has(id) && !left.has(id);
  });
};

/** After these no other zone would do better. */
const FINAL = new Set(['dns.update-server', 'dns.update-secret', 'dns.update-clock', 'dns.nsupdate']);

/** The provider of the addresses may well serve their names here and let nobody change them. */
const DENIED = new Set(['dns.update-refused', 'dns.update-key', 'dns.update-not-authoritative']);

export interface Carried {
  readonly done: readonly Pushed[];
  /** Zones of addresses in which nothing may be changed. */
  readonly denied: readonly Pushed[];
}

const named = (error: HauspostError, done: readonly Pushed[]): HauspostError => {
  const zones = done.map(({ zone }) => zone);
  const { blame, code, remedy, detail, cause } = error;
  const message = zones.length === 0 ? error.message : `${error.message}; changed were ${zones.join(', ')}`;
  return new HauspostError(blame, { code, message, remedy, detail: { ...detail, pushed: zones }, cause });
};

const isOfAddresses = ({ differences }: Pushed): boolean => differences.every(({ type }) => type === 'PTR');

const carryEach = async (context: Context, { server, plan }: Pushing): Promise<Carried & { readonly failed: HauspostError | undefined }> => {
  const [done, denied]: [Pushed[], Pushed[]] = [[], []];
  let failed: HauspostError | undefined;
  for (const zone of plan.zones.filter(({ differences }) => differences.some(isChange))) {
    try {
      await carryOut(context.machine, server, zone);
      done.push(zone);
    } catch (error) {
      if (!(error instanceof HauspostError)) throw error;
      if (isOfAddresses(zone) && DENIED.has(error.code)) denied.push(zone);
      else failed ??= error;
      if (FINAL.has(error.code)) break;
    }
  }
  return { done, denied, failed };
};

/** Claims, changes each zone, and lets go of what is gone. Throws the first failure, after all zones that could be changed. */
export const carryOutPush = async (context: Context, pushing: Pushing): Promise<Carried> => {
  const { plan, claimed: before, by, input } = pushing;
  const { published } = before;
  const file = claimsFile(input);
  const differences = plan.zones.flatMap((zone) => zone.differences);
  const claimed = new Set([...published, ...differences.flatMap(idsOf)]);
  await putClaims(context.machine, file, { published: claimed, by }, before);
  const { done, denied, failed } = await carryEach(context, pushing);
  const settled = differences.filter((difference) => !isChange(difference) || done.some((zone) => zone.differences.includes(difference)));
  const gone = new Set(settled.flatMap((difference) => vanished(published, difference)));
  await putClaims(context.machine, file, { published: claimed.difference(gone), by }, { published: claimed, by });
  if (failed !== undefined) throw named(failed, done);
  return { done, denied };
};

/** Names of addresses that only others can give: the zone is not there, or takes nothing. */
export const reverseToAsk = ({ plan, reverse }: Pushing, { denied }: Carried): readonly Reverse[] => {
  const there = denied.flatMap(({ differences }) => differences.map(({ name }) => name));
  const names = new Set([...there, ...plan.elsewhere.map(({ record }) => record.name)]);
  return reverse.filter(({ name }) => names.has(name));
};
