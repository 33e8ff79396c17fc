/** Which files of a folder are messages. */
import { type AbsPath, operatorError, path } from '#base';
import type { Machine } from '#machine';

/** What cannot be learned, and why. */
export interface Skipped {
  readonly file: string;
  readonly reason: string;
}

/** Of a Maildir its messages, not those of the folders below it and not what is being delivered; of any other folder its files. */
export const messageFiles = async (machine: Machine, folder: AbsPath): Promise<readonly AbsPath[]> => {
  const no = (message: string, remedy: string): never => {
    throw operatorError({ code: 'learning.folder', message: `"${folder}" ${message}`, remedy });
  };
  const kind = (await machine.state(folder))?.kind;
  if (kind === undefined) no('does not exist', 'Name a Maildir or a folder with a file for each message.');
  if (kind === 'link') no('is a symbolic link', 'Name the folder that it leads to.');
  if (kind !== 'dir') no('is not a folder', 'Name a Maildir or a folder with a file for each message.');
  const names = await machine.list(folder);
  const isMaildir = names.includes('cur') && names.includes('new');
  const folders = isMaildir ? [path(`${folder}/cur`), path(`${folder}/new`)] : [folder];
  const files: AbsPath[] = [];
  for (const each of folders) {
    for (const name of await machine.list(each)) {
      const file = path(`${each}/${name}`);
      if (!name.startsWith('.') && (await machine.state(file))?.kind === 'file') files.push(file);
    }
  }
  if (files.length === 0) no('holds no message', 'Name a Maildir or a folder with a file for each message; folders below it are not looked into.');
  return files;
};

/** RFC 5322, section 2.2: what a message begins with. */
const HEADER_LINE = /^[!-9;-~]+[ \t]*:/;

/** Why this cannot be a message; undefined when it can. */
export const whyNot = (content: Buffer): string | undefined => {
  const begin = content.subarray(0, 1000).toString('latin1');
  if (begin.startsWith('From ')) return 'is an mbox of many messages, not one';
  return HEADER_LINE.test(begin) ? undefined : 'does not begin with a header';
};
