/**
 * Generations that another version of Hauspost made. Their files are entered as they lie there; what is asked of daemons (units, probes) is asked by
 * this version, which may know more settings, sockets and daemons than the one that made them.
 */
import type { Manifest, RenderInput, Service } from '#model';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const filled = (then: unknown, now: unknown): unknown => {
  if (then === undefined) return now;
  if (!isRecord(then) || !isRecord(now)) return then;
  return Object.fromEntries([...new Set([...Object.keys(now), ...Object.keys(then)])].map((key) => [key, filled(then[key], now[key])]));
};

/** `then`, and what its version did not know of as it is in `now`, which must come from the same operator's file: a setting that is left out there is none. */
export const completed = (then: RenderInput, now: RenderInput): RenderInput => filled(then, now) as RenderInput;

/** Names of the daemons that the manifest configures: each has at least a drop-in or a run script, which wakes it. */
export const daemonsOf = ({ items }: Manifest): ReadonlySet<string> => {
  const wakes = items.flatMap((item) => ('wakes' in item ? item.wakes : []));
  return new Set(wakes.flatMap(({ service }) => (service === 'logs' ? [] : [service])));
};

/** Those of `services` that the manifest has, and those that it lacks. */
export const servicesOf = (
  services: readonly Service[],
  manifest: Manifest,
): { readonly services: readonly Service[]; readonly without: readonly Service[] } => {
  const names = daemonsOf(manifest);
  return { services: services.filter(({ name }) => names.has(name)), without: services.filter(({ name }) => !names.has(name)) };
};
