/** One run of the command line: words in, an exit status out. Results go to standard output, all else to standard error. */
import { type AbsPath, asHauspostError, environmentError, type HauspostError, path } from '#base';
import { shellLine } from '#formats';
import { type Machine, thisMachine } from '#machine';
import { type AnyOperation, type Context, type Listing, OPERATIONS, requireServer } from '#operations';
import { groupOf, interpret, type Invocation, validated } from './arguments.ts';
import { askFor, secret } from './consent.ts';
import { helpFor, helpForAll, helpForGroup } from './help.ts';
import { print, Unfinished } from './output.ts';
import { stderrReporter } from './reporter.ts';
import { asErrorText, asLines, asText } from './views.ts';

const out = (text: string): void => void process.stdout.write(text);
const err = (text: string): void => void process.stderr.write(text);

const CONFIG_FILE = path('/etc/hauspost/hauspost.toml');

/** What the process knows of itself. */
export interface Self {
  readonly version: string;
  readonly program: AbsPath;
  readonly signal: AbortSignal;
  /** Other hands than this machine's own, for a test that counts what they do. */
  readonly machine?: Machine;
}

const context = async (self: Self): Promise<Context> => {
  const { machine = thisMachine(), ...rest } = self;
  const reporter = stderrReporter(err, () => machine.now().getTime());
  const [owner = ''] = (await machine.state(self.program))?.owner.split(':') ?? [];
  return { machine, reporter, ...rest, owner, configFile: CONFIG_FILE, consented: new Set(), secret };
};

/** In the PATH once a server was made. */
const COMMAND = path('/usr/local/bin/hauspost');

const requireRoot = async ({ machine, program }: Context, operation: AnyOperation, words: readonly string[]): Promise<void> => {
  if (process.getuid?.() === 0) return;
  const called = (await machine.state(COMMAND)) === undefined ? program : 'hauspost';
  throw environmentError({
    code: 'needs.root',
    message: `'hauspost ${operation.name}' needs root`,
    remedy: `Run: sudo ${shellLine([called, ...words])}`,
  });
};

const requireNeeds = async (context: Context, operation: AnyOperation, words: readonly string[]): Promise<void> => {
  if (operation.needs === 'nothing') return;
  await requireRoot(context, operation, words);
  if (operation.needs === 'server') await requireServer(context);
};

/** One JSON array; nothing of it before its first element is there or its end is known. */
const asArray = async function* ({ element }: Listing, elements: AsyncIterable<unknown>): AsyncGenerator<string, void, undefined> {
  let before = '[';
  for await (const each of elements) {
    yield `${before}${JSON.stringify(element.parse(each))}`;
    before = ',';
  }
  yield before === '[' ? '[]\n' : ']\n';
};

const execute = async ({ operation, input, json, yes }: Invocation, base: Context, words: readonly string[]): Promise<number> => {
  const parsed = validated(operation, input);
  await requireNeeds(base, operation, words);
  if ('elements' in operation) {
    const elements: AsyncIterable<unknown> = operation.elements(base, parsed);
    await print(json ? asArray(operation, elements) : asLines(operation.name, elements), base.signal);
    return 0;
  }
  const consented = yes ? ('everything' as const) : await askFor((await operation.consents?.(base, parsed)) ?? []);
  const output: unknown = await operation.run({ ...base, consented }, parsed);
  out(json ? `${JSON.stringify(operation.output.parse(output))}\n` : asText(operation.name, output));
  return operation.exitCode?.(output) ?? 0;
};

const showError = (error: HauspostError, json: boolean): void => {
  const { blame, code, message, remedy, detail } = error;
  if (json) out(`${JSON.stringify({ error: { blame, code, message, remedy, ...detail } })}\n`);
  err(asErrorText(error));
  if (blame === 'bug') err(`${error.cause instanceof Error ? error.cause.stack : error.stack}\n`);
};

/** Tells what went wrong, and answers with its exit status. */
export const failed = (thrown: unknown, words: readonly string[]): number => {
  const unfinished = thrown instanceof Unfinished;
  const error = asHauspostError(unfinished ? thrown.cause : thrown);
  showError(error, words.includes('--json') && !unfinished);
  return error.exitCode;
};

const say = (document: unknown, text: string, json: boolean): number => {
  out(json ? `${JSON.stringify(document)}\n` : text);
  return 0;
};

const HELP = /^(--help|-h|help)$/;
const VERSION = /^(--version|-V|version)$/;

/** Answers with the exit status of the contract. */
export const run = async (words: readonly string[], self: Self): Promise<number> => {
  const json = words.includes('--json');
  try {
    const [first = ''] = words.filter((word) => word !== '--json');
    if (VERSION.test(first)) return say({ version: self.version }, `${self.version}\n`, json);
    if (first === 'help' && words.some((word) => !/^(help|--json)$/.test(word)))
      return await run([...words.toSpliced(words.indexOf('help'), 1), '--help'], self);
    const help = helpForAll(OPERATIONS, self.version);
    if (HELP.test(first)) return say({ help }, help, json);
    const [second = ''] = words.slice(words.indexOf(first) + 1).filter((word) => word !== '--json');
    const group = groupOf(OPERATIONS, first);
    if (group.length > 0 && HELP.test(second)) return say({ help: helpForGroup(group) }, helpForGroup(group), json);
    const invocation = interpret(OPERATIONS, words);
    if (invocation.help) return say({ help: helpFor(invocation.operation) }, helpFor(invocation.operation), json);
    return await execute(invocation, await context(self), words);
  } catch (thrown) {
    return failed(thrown, words);
  }
};
