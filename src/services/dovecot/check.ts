/**
 * Does Dovecot understand what was written, all of it and nothing else? Its own dump is compared with the file, setting by setting, in
 * both directions. What it only warns of counts as not understood: 2.3 ignores a plugin's setting whose value it cannot read.
 */
import { redacted } from '#base';
import type { CheckRoom, Finding, Place, ReadText, RenderInput } from '#model';
import { at, ofRendering, placeNamed, readIn, settingIn } from '../places.ts';
import { MAIN_FILE, mainText } from './configuration.ts';
import { type Leaves, leaves, lined } from './dump.ts';
import { type GlobalScript, globalScripts } from './scripts.ts';

const finding = (code: string, message: string, place?: Place): Finding => ({
  level: 'error',
  code: `dovecot.${code}`,
  message,
  ...at(place),
  remedy: 'This is a defect of Hauspost; please report it with this output.',
});

/** Put into the dump by Dovecot itself: what Pigeonhole can do. */
const ITS_OWN = new Set(['managesieve_notify_capability', 'managesieve_sieve_capability']);

/** 2.4 shows `ssl_server_key_file` as a block `ssl_server` with `key_file`. */
const sameName = (name: string): string => name.replace(/^ssl_server > /, 'ssl_server_');

const renamed = (dump: Leaves): Leaves => new Map([...dump].map(([name, value]) => [sameName(name), value]));

/** `whole` is the dump with defaults, `changed` the one without. */
export const misread = (
  written: Leaves,
  whole: Leaves,
  changed: Leaves,
  place: (name: string) => Place | undefined = () => undefined,
): readonly Finding[] => [
  ...[...written].flatMap(([name, value]) => {
    const understood = renamed(whole).get(name);
    return understood === value
      ? []
      : [ofRendering(finding('misread', `${name}: written ${JSON.stringify(value)}, understood ${JSON.stringify(understood ?? null)}`, place(name)))];
  }),
  ...[...renamed(changed)].flatMap(([name, value]) =>
    written.has(name) || value === '' || ITS_OWN.has(name)
      ? []
      : [ofRendering(finding('not-ours', `${name} = ${value} is in effect and was not written by us`, place(name)))],
  ),
];

const NOT_BOUND = /\b(?:listen|bind)\((\S+), (\d+)\) failed/;

/** Of what does not fit together it names only the setting. */
const SETTING = /configuration file \/etc\/dovecot\/dovecot\.conf: (\w+): /;

/** Of a port that it cannot have it names only the address and the number. */
export const placeIn = async (words: string, read: ReadText): Promise<Place | undefined> => {
  const named = await placeNamed(words, read);
  if (named !== undefined) return named;
  const text = await read(MAIN_FILE);
  const [, setting] = SETTING.exec(words) ?? [];
  if (setting !== undefined) return settingIn(MAIN_FILE, text, [setting]);
  const [, , port] = NOT_BOUND.exec(words) ?? [];
  const listener = lined(text).find(({ name, value }) => name.endsWith(' > port') && value === port);
  // 2.3 calls it `address`.
  const line = lined(text).find(({ name }) => ['listen', 'address'].some((each) => name === listener?.name.replace(/port$/, each)))?.line;
  return line === undefined ? undefined : { file: MAIN_FILE, line, through: line };
};

const dump = async (room: CheckRoom, ...options: readonly string[]): Promise<{ readonly leaves: Leaves; readonly findings: readonly Finding[] }> => {
  const { code, stdout, stderr } = await room.run(['/usr/bin/doveconf', '-c', MAIN_FILE, ...options]);
  const said = stderr.trim();
  if (code === 0 && said === '') return { leaves: leaves(stdout), findings: [] };
  const place = await placeIn(said, readIn(room));
  return { leaves: leaves(stdout), findings: [finding('refused', `doveconf ends with ${code}: ${said}`, place)] };
};

const compiles = async (room: CheckRoom, { source, options, from }: GlobalScript): Promise<readonly Finding[]> => {
  const { code, stderr } = await room.run(['/usr/bin/sievec', '-c', MAIN_FILE, ...options, '-d', source, '-']);
  if (code === 0) return [];
  if (from === undefined) return [ofRendering(finding('sieve-refused', `sievec ends with ${code}: ${stderr.trim()}`))];
  // sievec names a script by the file's name without its ending.
  const lines = stderr.split('\n').flatMap((line) => /^[^:]+: (line \d+: error: .*)$/.exec(line)?.[1] ?? []);
  const said = lines.length === 0 ? `${from}: ${stderr.trim()}` : lines.map((line) => `${from}: ${line}`).join('\n');
  return [{ level: 'error', code: 'dovecot.operator-sieve', message: said, remedy: `Mend ${from}; nothing was changed.`, blame: 'operator' }];
};

export const check = async (room: CheckRoom, input: RenderInput): Promise<readonly Finding[]> => {
  // -P: 2.3 hides the name of the key's file otherwise. It does not read the file.
  const whole = await dump(room, '-a', '-P');
  if (whole.findings.length > 0) return whole.findings;
  const changed = await dump(room, '-n', '-P');
  const scripts = await Promise.all(globalScripts(input).map((script) => compiles(room, script)));
  const text = redacted(mainText(input));
  const place = (name: string): Place | undefined => {
    const line = lined(text).findLast((each) => each.name === name)?.line;
    return line === undefined ? undefined : { file: MAIN_FILE, line, through: line };
  };
  return [...misread(leaves(text), whole.leaves, changed.leaves, place), ...changed.findings, ...scripts.flat()];
};
