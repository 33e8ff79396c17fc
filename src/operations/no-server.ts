/** Commands that have nothing to work on before the first `up`, and after `rollback 0`, say so alike, and what to do. */
import { environmentError, type HauspostError } from '#base';
import { shellLine } from '#formats';
import type { Context } from './operation.ts';

export const noServer = ({ program }: Pick<Context, 'program'>): HauspostError =>
  environmentError({
    code: 'server.none',
    message: 'no mail server of Hauspost is in place on this machine',
    remedy: `'${shellLine([program])} up' makes one for trying, with --hostname and --domain one for the world.`,
  });
