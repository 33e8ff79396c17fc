/** Where the server's own secrets are. */
import { openSecrets, type Secrets } from '#apply';
import { path } from '#base';
import type { Context } from './operation.ts';

/** Fixed, since they exist before any configuration is read. */
export const SECRETS = path('/var/lib/hauspost/secrets');

export const secretsOf = (context: Context): Secrets => openSecrets(context.machine, SECRETS);
