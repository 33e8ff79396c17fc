/**
 * Does Dovecot understand what was written, all of it and nothing else? Its own dump is compared with the file, setting by setting, in
 * both directions. What it only warns of counts as not understood: 2.3 ignores a plugin's setting whose value it cannot read.
 */
import { redacted } from '#base';
import type { CheckRoom, Finding, RenderInput } from '#model';
import { MAIN_FILE, mainText } from './configuration.ts';
import { type Leaves, leaves } from './dump.ts';
import { type GlobalScript, globalScripts } from './scripts.ts';

const finding = (code: string, message: string): Finding => ({
  level: 'error',
  code: `dovecot.${code}`,
  message,
  remedy: 'This is a defect of Hauspost; please report it with this output.',
});

/** Another version of Hauspost may have written something else. */
const ofRendering = (code: string, message: string): Finding => ({ ...finding(code, message), ofRendering: true });

/** Put into the dump by Dovecot itself: what Pigeonhole can do. */
const ITS_OWN = new Set(['managesieve_notify_capability', 'managesieve_sieve_capability']);

/** 2.4 shows `ssl_server_key_file` as a block `ssl_server` with `key_file`. */
const sameName = (name: string): string => name.replace(/^ssl_server > /, 'ssl_server_');

const renamed = (dump: Leaves): Leaves => new Map([...dump].map(([name, value]) => [sameName(name), value]));

/** `whole` is the dump with defaults, `changed` the one without. */
export const misread = (written: Leaves, whole: Leaves, changed: Leaves): readonly Finding[] => [
  ...[...written].flatMap(([name, value]) => {
    const understood = renamed(whole).get(name);
    return understood === value
      ? []
      : [ofRendering('misread', `${name}: written ${JSON.stringify(value)}, understood ${JSON.stringify(understood ?? null)}`)];
  }),
  ...[...renamed(changed)].flatMap(([name, value]) =>
    written.has(name) || value === '' || ITS_OWN.has(name)
      ? []
      : [ofRendering('not-ours', `${name} = ${value} is in effect and was not written by us`)],
  ),
];

const dump = async (room: CheckRoom, ...options: readonly string[]): Promise<{ readonly leaves: Leaves; readonly findings: readonly Finding[] }> => {
  const { code, stdout, stderr } = await room.run(['/usr/bin/doveconf', '-c', MAIN_FILE, ...options]);
  const said = stderr.trim();
  return { leaves: leaves(stdout), findings: code === 0 && said === '' ? [] : [finding('refused', `doveconf ends with ${code}: ${said}`)] };
};

const compiles = async (room: CheckRoom, { source, options, from }: GlobalScript): Promise<readonly Finding[]> => {
  const { code, stderr } = await room.run(['/usr/bin/sievec', '-c', MAIN_FILE, ...options, '-d', source, '-']);
  if (code === 0) return [];
  if (from === undefined) return [ofRendering('sieve-refused', `sievec ends with ${code}: ${stderr.trim()}`)];
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
  return [...misread(leaves(redacted(mainText(input))), whole.leaves, changed.leaves), ...changed.findings, ...scripts.flat()];
};
