/**
 * One file of ours below /etc/rspamd/override.d, as rows, and where in Rspamd's own dump its settings show up. `override.d` and not
 * `local.d`: there a value replaces the packaged one instead of being merged with it (lists would grow: the packaged
 * `local_addrs` holds all private networks), and a package upgrade never asks about it, since none of these is a conffile.
 */
import { type AbsPath, path } from '#base';
import type { Node } from '#formats';

export interface ConfFile {
  /** Name below override.d, as the packaged file of the section includes it. */
  readonly name: string;
  /** The section in the dump: `options`, or `worker` and the worker's type, or `classifier` and its name. */
  readonly section: readonly [string] | readonly ['worker' | 'classifier', string];
  readonly rows: readonly Node[];
}

export const confPath = ({ name }: Pick<ConfFile, 'name'>): AbsPath => path(`/etc/rspamd/override.d/${name}`);
