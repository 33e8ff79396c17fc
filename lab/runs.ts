/** For tests: many runs of the command line in one process, since starting Node for each takes longer than the run. */

/** `ran(words, input)` answers `{ code, ms, stdout, stderr }`. There is no terminal; standard input holds `input`. */
const prelude = (frontDoor: string): string => `
const { run } = await import(${JSON.stringify(frontDoor)});
const { readFileSync } = await import('node:fs');
const { version } = JSON.parse(readFileSync(new URL('../../package.json', new URL(${JSON.stringify(frontDoor)}, 'file://')), 'utf8'));
const { Readable } = await import('node:stream');
const write = process.stdout.write.bind(process.stdout);
const ran = async (words, input = '') => {
  Object.defineProperty(process, 'stdin', { configurable: true, value: Readable.from(input === '' ? [] : [Buffer.from(input)]) });
  const said = { stdout: '', stderr: '' };
  for (const name of Object.keys(said)) process[name].write = (text, done) => ((said[name] += text), done?.(), true);
  const begun = performance.now();
  const code = await run(words, { version, program: '/opt/hauspost/hauspost', signal: new AbortController().signal });
  return { code, ms: performance.now() - begun, ...said };
};
`;

/** A script for `node --input-type=module --eval SCRIPT RUNS`, where RUNS is JSON, a list of lists of words. Prints the list of what `ran` answers. */
export const manyRuns = (frontDoor: string): string => `${prelude(frontDoor)}
const results = [];
for (const words of JSON.parse(process.argv[1])) results.push(await ran(words));
write(JSON.stringify(results));
`;

/** The same without RUNS: each line of standard input is `{ words, input }`, and is answered by a line. */
export const runsInTurn = (frontDoor: string): string => `${prelude(frontDoor)}
const { createInterface } = await import('node:readline');
for await (const line of createInterface({ input: process.stdin })) {
  const { words, input } = JSON.parse(line);
  write(JSON.stringify(await ran(words, input)) + '\\n');
}
`;
