/** For tests: many runs of the command line in one process, since starting Node for each takes longer than the run. */

/**
 * A script for `node --input-type=module --eval SCRIPT RUNS`, where RUNS is JSON, a list of lists of words. Prints a list of
 * `{ code, ms, stdout, stderr }`. There is no terminal, and nothing may be read from standard input.
 */
export const manyRuns = (frontDoor: string): string => `
const { run } = await import(${JSON.stringify(frontDoor)});
const write = process.stdout.write.bind(process.stdout);
const results = [];
for (const words of JSON.parse(process.argv[1])) {
  const said = { stdout: '', stderr: '' };
  for (const name of Object.keys(said)) process[name].write = (text, done) => ((said[name] += text), done?.(), true);
  const begun = performance.now();
  const code = await run(words, { version: '1.2.3', program: '/opt/hauspost/hauspost', signal: new AbortController().signal });
  results.push({ code, ms: performance.now() - begun, ...said });
}
write(JSON.stringify(results));
`;
