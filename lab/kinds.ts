/** The kinds of test machines. */
export type Release = 'bookworm' | 'trixie';
/** Who is process 1. `none`: an image without any init, for containers. */
export type Init = 'systemd' | 'none';

export interface Kind {
  readonly release: Release;
  readonly init: Init;
}
