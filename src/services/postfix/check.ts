/**
 * Does Postfix understand what was written, all of it and nothing else? postconf(1) exits with 0 on a parameter that it does
 * not know and only warns, so a word on standard error is a finding as well.
 */
import { redacted } from '#base';
import type { CheckRoom, Finding, Place, ReadText, RenderInput } from '#model';
import { at, lineThat, ofRendering, placeNamed, readIn, settingIn } from '../places.ts';
import { MAIN_CF, mainText, MASTER_CF, masterText } from './configuration.ts';
import { parameters, services } from './dump.ts';
import { cleanupSamples } from './header-cleanup.ts';
import { NOTICES, noticeSamples } from './notices.ts';

const finding = (code: string, message: string, place?: Place): Finding => ({
  level: 'error',
  code: `postfix.${code}`,
  message,
  ...at(place),
  remedy: 'This is a defect of Hauspost; please report it with this output.',
});

const other = (...of: Parameters<typeof finding>): Finding => ofRendering(finding(...of));

type Ran = Awaited<ReturnType<CheckRoom['run']>>;

/** `/etc/postfix/main.cf: unused parameter: NAME=VALUE` (postconf(1)), `bad numerical configuration: NAME = VALUE` (the daemons). */
const PARAMETER = /\b(?:unused parameter|configuration|parameter): "?(\w+)\b/;
/** master(8), of what stands at the beginning of a line of master.cf. */
const BIND = /bind (\S+) port (\d+):/;
/** postconf(1), of a line of master.cf: `invalid type field "inett" in "127.0.0.1:25 inett ..."`. */
const SERVICE = / in "(.*)"/;

const columns = (line: string): readonly string[] => line.trim().split(/\s+/);
/** Nothing else in the file has both. */
const nameOf = (line: string): string => columns(line).slice(0, 2).join(' ');
const optionOn = (line: string): string | undefined => /^\s*-o (?:\{ ?)?(\w+)/.exec(line)?.[1];

const inMaster = (words: string): ((line: string) => boolean) | undefined => {
  const [, address = '', port] = BIND.exec(words) ?? [];
  if (port !== undefined) return (line) => columns(line)[0] === `${address.includes(':') ? `[${address}]` : address}:${port}`;
  const [, service] = SERVICE.exec(words) ?? [];
  if (service !== undefined) return (line) => nameOf(line) === nameOf(service);
  const [, parameter] = PARAMETER.exec(words) ?? [];
  return words.includes(MASTER_CF) && parameter !== undefined ? (line) => optionOn(line) === parameter : undefined;
};

/** Where in main.cf or master.cf that is of which its programs complain. */
export const placeIn = async (words: string, read: ReadText): Promise<Place | undefined> => {
  const named = await placeNamed(words, read);
  if (named !== undefined) return named;
  const fits = inMaster(words);
  if (fits !== undefined) return lineThat(MASTER_CF, await read(MASTER_CF), fits);
  const [, parameter] = PARAMETER.exec(words) ?? [];
  return parameter === undefined ? undefined : settingIn(MAIN_CF, await read(MAIN_CF), [parameter]);
};

/** One finding for each line of what it says; `what` for a program without words. */
const said = async (room: CheckRoom, what: string, { code, stderr }: Ran): Promise<readonly Finding[]> => {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  if (code !== 0 && lines.length === 0) return [finding('refused', `${what} ends with ${code}`)];
  return Promise.all(lines.map(async (line) => finding('refused', line.trim(), await placeIn(line, readIn(room)))));
};

const misreadParameters = (
  written: ReadonlyMap<string, string>,
  understood: ReadonlyMap<string, string>,
  place: (name: string) => Place | undefined,
): readonly Finding[] => [
  ...[...written].flatMap(([name, value]) =>
    understood.get(name) === value
      ? []
      : [other('misread', `${name}: written ${JSON.stringify(value)}, understood ${JSON.stringify(understood.get(name) ?? null)}`, place(name))],
  ),
  ...[...understood.keys()].flatMap((name) =>
    written.has(name) ? [] : [other('not-ours', `${name} is in effect and was not written by us`, place(name))],
  ),
];

/** A service's columns, and each of its options. */
const parts = (line: string): readonly string[] => line.split(/ (?=-o )/);

/** The line of the file on which the service, or the option of it that is another, begins. */
const placeOfService = (text: string, line: string, others: readonly string[]): Place | undefined => {
  const service = lineThat(MASTER_CF, text, (each) => nameOf(each) === nameOf(line));
  const other = parts(others.find((each) => nameOf(each) === nameOf(line)) ?? '');
  const option = optionOn(parts(line).find((part, index) => part !== other[index]) ?? '');
  if (service === undefined || option === undefined) return service;
  const within = text.split('\n').slice(service.line, service.through);
  const index = within.findIndex((each) => optionOn(each) === option);
  const found = service.line + index + 1;
  return index < 0 ? service : { file: MASTER_CF, line: found, through: found };
};

const misreadServices = (text: string, printed: string): readonly Finding[] => {
  const [written, understood] = [services(text), services(printed)];
  return [
    ...written
      .filter((line) => !understood.includes(line))
      .map((line) => other('misread', `a line of master.cf was written and not understood: ${line}`, placeOfService(text, line, understood))),
    ...understood
      .filter((line) => !written.includes(line))
      .map((line) => other('not-ours', `a line of master.cf is in effect and was not written by us: ${line}`, placeOfService(text, line, written))),
  ];
};

const main = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const ran = await room.run(['postconf', '-n']);
  const text = redacted(mainText(input));
  const place = (name: string): Place | undefined => settingIn(MAIN_CF, text, [name]);
  const complaints = await said(room, 'postconf -n', ran);
  return ran.code !== 0 ? complaints : [...complaints, ...misreadParameters(parameters(text), parameters(ran.stdout), place)];
};

const master = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const ran = await room.run(['postconf', '-M']);
  const complaints = await said(room, 'postconf -M', ran);
  return ran.code !== 0 ? complaints : [...complaints, ...misreadServices(redacted(masterText(input)), ran.stdout)];
};

/** regexp_table(5) warns of a pattern that it cannot read, and goes on without it; postmap(1) reads main.cf as daemons do, numbers included. */
const headerChecks = async (room: CheckRoom): Promise<readonly Finding[]> => {
  const { file, dropped, kept } = cleanupSamples;
  // Of each line that the table has an answer for, `LINE<TAB>ANSWER`.
  const ran = await room.run(['postmap', '-q', '-', `regexp:${file}`], { input: [...dropped, kept].map((header) => `${header}\n`).join('') });
  if (ran.stderr.trim() !== '') return said(room, 'postmap', ran);
  const answers = new Map(ran.stdout.split('\n').map((line) => [line.split('\t')[0], line.split('\t')[1]]));
  return [
    ...dropped.flatMap((header) => (answers.get(header) === 'IGNORE' ? [] : [other('misread', `the header ${header} would stay`)])),
    ...(answers.has(kept) ? [other('misread', `the header ${kept} would not stay: ${answers.get(kept)}`)] : []),
  ];
};

/** bounce(5) goes back to English where it cannot read a template. */
const templates = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const wanted = noticeSamples(input);
  if (wanted.length === 0) return [];
  const ran = await room.run(['postconf', '-t', NOTICES]);
  const lines = ran.stdout.split('\n');
  return [
    ...(await said(room, 'postconf -t', ran)),
    ...wanted.filter((line) => !lines.includes(line)).map((line) => other('misread', `a notice was written and not understood: ${line}`)),
  ];
};

/**
 * Only the exit status: it also warns of the resolv.conf in the queue directory, which differs from the machine's on purpose.
 * Where maillog_file is /dev/stdout, 3.10 ends with an error if that cannot be opened by path, as a socket cannot.
 */
const integrity = async (room: CheckRoom): Promise<readonly Finding[]> => {
  const ran = await room.run(['sh', '-c', 'exec postfix check >/dev/null']);
  if (ran.code === 0) return [];
  return [finding('refused', `postfix check ends with ${ran.code}: ${ran.stderr.trim()}`, await placeIn(ran.stderr, readIn(room)))];
};

/** What has been said once: both dumps warn of master.cf. */
const distinct = (findings: readonly Finding[]): readonly Finding[] => [...new Map(findings.map((each) => [each.message, each])).values()];

/** Each step trusts the ones before it: where Postfix itself has complained, the next complaints are of the same. */
export const check = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const isComplaint = (each: Finding): boolean => each.ofRendering !== true;
  const understood = distinct([...(await main(room, input)), ...(await master(room, input))]);
  if (understood.some(isComplaint)) return understood;
  const tables = [...(await headerChecks(room)), ...(await templates(room, input))];
  return [...understood, ...tables, ...(tables.some(isComplaint) ? [] : await integrity(room))];
};
