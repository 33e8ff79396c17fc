/** What a daemon does not take, told to the operator: the daemon, the line of its file, its words, and the options that this line comes from. */
import { failure, type HauspostError, operatorError } from '#base';
import type { Finding, Place, ServiceName } from '#model';

/** Those that the operator wrote and without which the line would read otherwise. */
export interface Origins {
  /** The operator's file. */
  readonly file: string;
  readonly options: readonly { readonly option: string; readonly line: number }[];
}

export interface Told {
  readonly daemon: ServiceName;
  readonly finding: Finding;
  /** Undefined where the daemon names no place, or where nobody can tell. */
  readonly origins: Origins | undefined;
}

export const placeName = ({ file, line }: Place): string => `${file}:${line}`;

/** For `--json`. */
export const placeDetail = (place: Place | undefined, origins: Origins | undefined): Readonly<Record<string, unknown>> => ({
  ...(place === undefined ? {} : { file: place.file, line: place.line }),
  ...(origins === undefined ? {} : { options: origins.options }),
});

/** `a`; `a and b`; `a, b and c`. */
const listed = (names: readonly string[], last: 'and' | 'or' = 'and'): string =>
  [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((part) => part !== '').join(` ${last} `);

/** Which option to change, in a sentence; that there is none, where that is known. */
export const advice = (places: readonly Place[], { file, options }: Origins): string => {
  const names = [...new Set(places.map(placeName))];
  if (options.length === 0) return `No option in ${file} changes ${listed(names)}.`;
  const written = options.map(({ option, line }) => `${option} (line ${line})`);
  const come = `${names.length === 1 ? 'comes' : 'come'} from ${options.length === 1 ? 'it' : 'them'}`;
  return `Change ${listed(written, 'or')} in ${file}: ${listed(names)} ${come}.`;
};

const placesOf = (group: readonly { readonly place: Place }[]): readonly Place[] => group.map(({ place }) => place);

const remedyOf = (all: readonly Told[]): string => {
  const known = all.flatMap(({ finding: { place }, origins }) => (place === undefined || origins === undefined ? [] : [{ place, origins }]));
  const groups = [...Map.groupBy(known, ({ origins }) => JSON.stringify(origins)).values()];
  const advices = groups.flatMap((group) => group.slice(0, 1).map(({ origins }) => advice(placesOf(group), origins)));
  return [...advices, ...new Set(all.map(({ finding }) => finding.remedy))].join(' ');
};

const line = ({ daemon, finding: { place, message } }: Told): string =>
  [daemon, ...(place === undefined ? [] : [placeName(place)]), message].join(': ');

const detail = (all: readonly Told[]): Readonly<Record<string, unknown>> => ({
  findings: all.map(({ daemon, finding: { level, code, message, remedy, place }, origins }) => ({
    daemon,
    level,
    code,
    message,
    remedy,
    ...placeDetail(place, origins),
  })),
});

/** Of the check before anything is changed. */
export const notUnderstood = (all: readonly Told[]): HauspostError => {
  const theirs = all.filter(({ finding }) => finding.blame === 'operator');
  if (theirs.length > 0) {
    const message = theirs.map(({ finding }) => finding.message).join('\n');
    return operatorError({ code: 'apply.input', message, remedy: theirs[0]?.finding.remedy ?? '', detail: detail(all) });
  }
  return failure({
    code: 'apply.check-failed',
    message: `a daemon does not understand its new configuration; nothing was changed:\n${all.map(line).join('\n')}`,
    remedy: remedyOf(all),
    detail: detail(all),
  });
};
