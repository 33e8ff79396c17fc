/**
 * What Unbound understood: `unbound-checkconf -o <option>` for each option that we set. It prints lists one element a line, in
 * either order (1.17 last first), sizes in octets. It cannot print `local-data` and what stands in repeatable clauses
 * (`forward-zone`, `stub-zone`): these are proved by the answers of the running resolver.
 */
import { type Mismatch, mismatch, octets } from './compare.ts';
import { rowsFor } from './rows.ts';
import { type Block, isLines, isList, isRow, type Row, type Word } from './types.ts';
import { wordText } from './unbound.ts';

const CLAUSES = ['server', 'remote-control'];
const UNPRINTABLE = ['local-data', 'local-data-ptr', 'local-zone', 'include'];

const printable = (clauses: readonly Block[], version: string): readonly Row[] =>
  rowsFor(version, clauses)
    .filter((clause) => CLAUSES.includes(clause.block))
    .flatMap((clause) => clause.rows)
    .filter(isRow)
    .filter((row) => !UNPRINTABLE.includes(row.set));

/** The options to ask for. */
export const unboundOptions = (clauses: readonly Block[], version: string): readonly string[] => printable(clauses, version).map((row) => row.set);

const expectedLines = ({ set, to }: Row): readonly string[] => {
  const values: readonly (Word | readonly Word[])[] = isLines(to) ? to.lines : isList(to) ? to : [to];
  return values.map((each) => (isList(each) ? each : [each]).map((word) => wordText(word, set).map(String).join('')).join(' '));
};

const same = (expected: readonly string[], actual: readonly string[]): boolean => {
  const [one, other] = [[...expected].sort(), [...actual].sort()];
  return (
    one.length === other.length &&
    one.every((line, index) => line === other[index] || (octets(line) !== undefined && octets(line) === octets(other[index] ?? '')))
  );
};

/** `answers`: by option, standard output of `unbound-checkconf -o`; without those that it refused to print. */
export const compareUnbound = (clauses: readonly Block[], version: string, answers: ReadonlyMap<string, string>): readonly Mismatch[] =>
  printable(clauses, version).flatMap((row) => {
    const expected = expectedLines(row);
    const answer = answers.get(row.set);
    const actual = answer?.replace(/\n$/, '').split('\n');
    return actual !== undefined && same(expected, actual) ? [] : [mismatch(row.set, [expected.join('\n')], answer?.trimEnd())];
  });
