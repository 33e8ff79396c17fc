/** "Did you mean": the nearest of the names that exist, or nothing where none is near. */

/** Damerau-Levenshtein distance in its optimal string alignment form: edits, and swaps of neighbours, from `a` to `b`. */
const distance = (a: string, b: string): number => {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1), swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY),
      );
    }
  }
  return at(a.length, b.length);
};

const plain = (name: string): string => name.toLowerCase().replaceAll('-', '_');

/** At most a third of the letters may differ; a name that begins with what was written is near as well (`retent`). */
export const nearest = (written: string, names: readonly string[]): string | undefined => {
  const wanted = plain(written.slice(0, 64));
  const ranked = names
    .map((name) => ({ name, far: distance(wanted, plain(name)) }))
    .filter(({ name, far }) => far <= Math.max(1, Math.floor(name.length / 3)) || (wanted.length >= 4 && plain(name).startsWith(wanted)))
    .toSorted((a, b) => a.far - b.far);
  return ranked[0]?.name;
};
