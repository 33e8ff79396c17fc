/**
 * Does Postfix understand what was written, all of it and nothing else? postconf(1) exits with 0 on a parameter that it does
 * not know and only warns, so a word on standard error is a finding as well.
 */
import { redacted } from '#base';
import type { CheckRoom, Finding, RenderInput } from '#model';
import { mainText, masterText } from './configuration.ts';
import { parameters, services } from './dump.ts';
import { cleanupSamples } from './header-cleanup.ts';
import { NOTICES, noticeSamples } from './notices.ts';

const finding = (code: string, message: string): Finding => ({
  level: 'error',
  code: `postfix.${code}`,
  message,
  remedy: 'This is a defect of Hauspost; please report it with this output.',
});

/** Another version of Hauspost may have written something else. */
const ofRendering = (code: string, message: string): Finding => ({ ...finding(code, message), ofRendering: true });

type Ran = Awaited<ReturnType<CheckRoom['run']>>;

const said = (what: string, { code, stderr }: Ran): readonly Finding[] =>
  code === 0 && stderr.trim() === '' ? [] : [finding('refused', `${what} ends with ${code}: ${stderr.trim()}`)];

export const misreadParameters = (written: ReadonlyMap<string, string>, understood: ReadonlyMap<string, string>): readonly Finding[] => [
  ...[...written].flatMap(([name, value]) =>
    understood.get(name) === value
      ? []
      : [ofRendering('misread', `${name}: written ${JSON.stringify(value)}, understood ${JSON.stringify(understood.get(name) ?? null)}`)],
  ),
  ...[...understood.keys()].flatMap((name) => (written.has(name) ? [] : [ofRendering('not-ours', `${name} is in effect and was not written by us`)])),
];

const different = (kind: string, written: readonly string[], understood: readonly string[]): readonly Finding[] => [
  ...written.filter((line) => !understood.includes(line)).map((line) => ofRendering('misread', `${kind} was written and not understood: ${line}`)),
  ...understood
    .filter((line) => !written.includes(line))
    .map((line) => ofRendering('not-ours', `${kind} is in effect and was not written by us: ${line}`)),
];

const main = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const ran = await room.run(['postconf', '-n']);
  return [...said('postconf -n', ran), ...misreadParameters(parameters(redacted(mainText(input))), parameters(ran.stdout))];
};

const master = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const ran = await room.run(['postconf', '-M']);
  return [...said('postconf -M', ran), ...different('a line of master.cf', services(redacted(masterText(input))), services(ran.stdout))];
};

/** regexp_table(5) warns of a pattern that it cannot read, and goes on without it. */
const headerChecks = async (room: CheckRoom): Promise<readonly Finding[]> => {
  const query = (header: string): Promise<Ran> => room.run(['postmap', '-q', header, `regexp:${cleanupSamples.file}`]);
  const dropped = await Promise.all(cleanupSamples.dropped.map(async (header) => ({ header, ran: await query(header) })));
  const kept = await query(cleanupSamples.kept);
  return [
    ...dropped.flatMap(({ header, ran }) =>
      ran.stdout.trim() === 'IGNORE' ? [] : [ofRendering('misread', `the header ${header} would stay: ${ran.stderr.trim()}`)],
    ),
    ...(kept.stdout === '' && kept.stderr === ''
      ? []
      : [ofRendering('misread', `the header ${cleanupSamples.kept} would not stay: ${kept.stdout}${kept.stderr}`)]),
  ];
};

/** bounce(5) goes back to English where it cannot read a template. */
const templates = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  const wanted = noticeSamples(input);
  if (wanted.length === 0) return [];
  const ran = await room.run(['postconf', '-t', NOTICES]);
  const lines = ran.stdout.split('\n');
  return [
    ...said('postconf -t', ran),
    ...wanted.filter((line) => !lines.includes(line)).map((line) => ofRendering('misread', `a notice was written and not understood: ${line}`)),
  ];
};

/**
 * Only the exit status: it also warns of the resolv.conf in the queue directory, which differs from the machine's on purpose.
 * Where maillog_file is /dev/stdout, 3.10 ends with an error if that cannot be opened by path, as a socket cannot.
 */
const integrity = async (room: CheckRoom): Promise<readonly Finding[]> => {
  const ran = await room.run(['sh', '-c', 'exec postfix check >/dev/null']);
  return ran.code === 0 ? [] : [finding('refused', `postfix check ends with ${ran.code}: ${ran.stderr.trim()}`)];
};

export const check = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => [
  ...(await main(room, input)),
  ...(await master(room, input)),
  ...(await headerChecks(room)),
  ...(await templates(room, input)),
  ...(await integrity(room)),
];
