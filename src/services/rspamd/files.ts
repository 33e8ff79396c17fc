/** All files of Rspamd that are ours, and the places where a file that is not ours would change what it does: those are kept empty. */
import { type AbsPath, path, secretsOf } from '#base';
import { renderUcl } from '#formats';
import type { Item, RenderInput } from '#model';
import { authentication } from './authentication.ts';
import { type ConfFile, confPath } from './conf-file.ts';
import { dkimItems, dkimSigning } from './dkim.ts';
import { logging } from './logging.ts';
import { options } from './options.ts';
import { outside } from './outside.ts';
import { ruleFile } from './rules.ts';
import { storage } from './storage.ts';
import { verdict } from './verdict.ts';
import { milterDirectory, workers } from './workers.ts';

const reload = [{ service: 'rspamd', by: 'reload' }] as const;
/** Sockets are bound at the start only. */
const restart = [{ service: 'rspamd', by: 'restart' }] as const;

export const confFiles = (input: RenderInput): readonly ConfFile[] => [
  options(input),
  logging,
  ...workers(input),
  ...storage(input),
  ...authentication(input),
  dkimSigning(input),
  ...verdict,
  ...outside(input),
];

const fileItem = (conf: ConfFile, input: RenderInput): Item => {
  const text = renderUcl(conf.rows, input.facts.versions.rspamd);
  const secret = secretsOf(text).length > 0;
  return {
    kind: 'file',
    path: confPath(conf),
    text,
    owner: secret ? 'root:_rspamd' : 'root:root',
    mode: secret ? 0o640 : 0o644,
    wakes: conf.section[0] === 'worker' || conf.section[0] === 'logging' ? restart : reload,
  };
};

const OURS_ALONE: readonly AbsPath[] = ['override.d', 'local.d', 'modules.local.d', 'lua.local.d', 'plugins.d'].map((name) =>
  path(`/etc/rspamd/${name}`),
);
/** The last is the package's, for another mail server: it makes mail from the loopback address 127.2.4.7 local and has it signed. */
const NOT_THERE: readonly AbsPath[] = ['rspamd.conf.local', 'rspamd.conf.local.override', 'rspamd.conf.override', 'cgp.inc'].map((name) =>
  path(`/etc/rspamd/${name}`),
);

export const rspamdItems = (input: RenderInput): readonly Item[] => [
  ...OURS_ALONE.map((dir): Item => ({ kind: 'dir', path: dir, exclusive: true, owner: 'root:root', mode: 0o755, wakes: restart })),
  ...NOT_THERE.map((file): Item => ({ kind: 'absent', path: file, wakes: reload })),
  ...confFiles(input).map((conf) => fileItem(conf, input)),
  milterDirectory(input),
  ruleFile(input),
  ...dkimItems(input),
];
