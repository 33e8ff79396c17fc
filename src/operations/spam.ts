/** `spam learn`. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { operatorError, parseAbsPath } from '#base';
import { type Class, learnFolder } from '#learning';
import { SOCKETS } from '#model';
import { operation } from './operation.ts';

const classOf = ({ spam, ham }: { readonly spam?: boolean | undefined; readonly ham?: boolean | undefined }): Class => {
  if ((spam === true) !== (ham === true)) return spam === true ? 'spam' : 'ham';
  throw operatorError({
    code: 'learning.class',
    message: spam === true ? 'of --spam and --ham only one is possible' : 'one of --spam and --ham is needed',
    remedy: '--spam for what should have been marked, --ham for what should not.',
  });
};

/** Of the shell it came from; an absolute one as it stands, so that what is odd about it is named. */
const folderOf = (given: string) => parseAbsPath(given === '' || given.startsWith('/') ? given : resolve(given));

export const learn = operation({
  name: 'spam learn',
  summary: 'Teaches the filter by a folder of messages that are spam, or that are not; one of --spam and --ham is needed.',
  example: 'hauspost spam learn --spam /var/vmail/mailboxes/example.org/user/mail/Spam',
  positionals: [{ key: 'folder' }],
  input: z.object({
    folder: z.string().describe('a Maildir, or a folder with a file for each message; not what is in folders below it'),
    spam: z.boolean().optional().describe('the messages are spam'),
    ham: z.boolean().optional().describe('the messages are not spam'),
  }),
  output: z.object({
    folder: z.string(),
    class: z.enum(['spam', 'ham']),
    new: z.int(),
    known: z.int(),
    skipped: z.array(z.object({ file: z.string(), reason: z.string() })).readonly(),
  }),
  needs: 'server',
  run: async ({ machine, reporter, signal }, input) => {
    const as = classOf(input);
    const folder = folderOf(input.folder);
    const lesson = { folder, as, controller: SOCKETS.controller.path, redis: SOCKETS.redis.path };
    const { learned, known, skipped } = await learnFolder(machine, lesson, reporter, signal);
    return { folder, class: as, new: learned, known, skipped };
  },
});
