/**
 * Where in a file of ours that stands of which a daemon complains. Knows what all our formats have in common: the name of a setting comes first on
 * its line, blocks around it are in braces, comments begin with `#`, and a value that goes on does so on deeper lines.
 */
import type { CheckRoom, Finding, Place, ReadText } from '#model';

const indentation = (line: string): number => line.search(/\S|$/);
const isNothing = (line: string): boolean => /^\s*(?:#|$)/.test(line);

/** The line from 1, and the last one of the same setting. */
export const extent = (text: string, line: number): Omit<Place, 'file'> => {
  const lines = text.split('\n');
  const [first = '', ...below] = lines.slice(line - 1);
  const end = below.findIndex((each) => isNothing(each) || indentation(each) <= indentation(first));
  const deeper = first.trimEnd().endsWith('{') ? 0 : end < 0 ? below.length : end;
  return { line, through: line + deeper };
};

/** Without quotes, and blanks as one. */
const plain = (text: string): string => text.replaceAll('"', '').replace(/\s+/g, ' ').trim();

const named = (line: string): string => plain(/^\s*("[^"]*"|[^\s=:;]+)/.exec(line)?.[1] ?? '');

/** `path`: the blocks around the setting, outermost first, and its name; it may stand there several times, and then the first is meant. */
export const settingIn = (file: string, text: string, path: readonly string[]): Place | undefined => {
  const wanted = path.join('\n');
  const around: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (isNothing(line)) continue;
    if (line.trim() === '}') around.pop();
    else if (line.trimEnd().endsWith('{')) around.push(plain(line.replace(/\{\s*$/, '')));
    else if ([...around, named(line)].join('\n') === wanted) return { file, ...extent(text, index + 1) };
  }
  return undefined;
};

/** The first line of the text that `fits`. */
export const lineThat = (file: string, text: string, fits: (line: string) => boolean): Place | undefined => {
  const index = text.split('\n').findIndex((line) => !isNothing(line) && fits(line));
  return index < 0 ? undefined : { file, ...extent(text, index + 1) };
};

/** `/etc/nginx/nginx.conf:12`, `/etc/dovecot/dovecot.conf line 7`, `/etc/postfix/main.cf, line 10`, `/etc/rspamd/...: line: 12`: as most daemons say it. */
const NAMED = /(\/etc\/[\w./-]+?)(?:[:,]? line:? |:)(\d+)/;

export const placeNamed = async (words: string, read: ReadText): Promise<Place | undefined> => {
  const [, file, line] = NAMED.exec(words) ?? [];
  return file === undefined ? undefined : { file, ...extent(await read(file), Number(line)) };
};

/** Files as the daemon sees them in the room. */
export const readIn =
  (room: CheckRoom): ReadText =>
  async (file) =>
    (await room.run(['cat', file])).stdout;

/** That what was understood is not what this version renders: another one may have written something else. */
export const ofRendering = (finding: Finding): Finding => ({ ...finding, ofRendering: true });

/** For a finding whose place may not be known. */
export const at = (place: Place | undefined): { readonly place?: Place } => (place === undefined ? {} : { place });
