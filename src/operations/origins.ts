/**
 * From a line of a daemon's file back to the operator's. Rendering is pure, so nobody has to note down what comes from what: an option is to
 * blame if the line is another, or gone, when all is rendered again without that option, or with its example instead.
 */
import { diffArrays } from 'diff';
import type { Desired, Origins } from '#apply';
import { type AbsPath, HauspostError, redacted } from '#base';
import { alternatives, type Config, resolve } from '#config';
import { type Place, type RenderInput, wire } from '#model';
import { type Installation, render } from '#services';

/** The lines of a rendered file; none where there is no such file. */
const linesOf = (input: RenderInput, installation: Installation, file: string): readonly string[] => {
  const item = render(input, installation).manifest.items.find((each) => each.kind === 'file' && each.path === file);
  return item?.kind === 'file' ? redacted(item.text).split('\n') : [];
};

/** On the same machine; undefined where it does not have what the configuration asks for. */
const inputFor = (config: Config, { facts, texts }: RenderInput): RenderInput | undefined => {
  try {
    const settings = resolve(config, facts);
    return { settings, facts, wiring: wire(settings, facts), texts };
  } catch (error) {
    if (error instanceof HauspostError) return undefined;
    throw error;
  }
};

/** Numbers of the lines, from 1, that the other text does not have in the same order. */
const missing = (lines: readonly string[], other: readonly string[]): ReadonlySet<number> => {
  const found = new Set<number>();
  let line = 0;
  for (const { added, removed, count } of diffArrays([...lines], [...other])) {
    if (added) continue;
    for (let each = 1; each <= count; each += 1) if (removed) found.add(line + each);
    line += count;
  }
  return found;
};

interface Origin {
  readonly option: string;
  /** In the file of the operator. */
  readonly line: number;
  /** Those of the daemon's file that come from the option. */
  readonly lines: ReadonlySet<number>;
}

const originsIn = (installation: Installation, { input, source }: Desired, file: string): readonly Origin[] => {
  const lines = linesOf(input, installation, file);
  return alternatives(source).flatMap(({ option, line, config }) => {
    const other = inputFor(config, input);
    return other === undefined ? [] : [{ option, line, lines: missing(lines, linesOf(other, installation, file)) }];
  });
};

/** `file` is where the operator's text, the source of what is desired, stands. Each file of a daemon is rendered anew once, however many of its lines are asked about. */
export const originsOf = (file: AbsPath, installation: Installation): ((desired: Desired, place: Place) => Origins) => {
  const known = new WeakMap<Desired, Map<string, readonly Origin[]>>();
  return (desired, place) => {
    const files = known.get(desired) ?? new Map<string, readonly Origin[]>();
    known.set(desired, files);
    const origins = files.get(place.file) ?? originsIn(installation, desired, place.file);
    files.set(place.file, origins);
    const isBehind = ({ lines }: Origin): boolean => [...lines].some((line) => line >= place.line && line <= place.through);
    const options = new Map(origins.filter(isBehind).map(({ option, line }) => [option, line]));
    return { file, options: [...options].map(([option, line]) => ({ option, line })) };
  };
};
