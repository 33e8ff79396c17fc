/** Where the server's own secrets are, and its DKIM keys among them. */
import { openSecrets, type Secrets } from '#apply';
import { path } from '#base';
import type { Keyring } from '#dkim';
import type { Context } from './operation.ts';

/** Fixed, since they exist before any configuration is read. */
export const SECRETS = path('/var/lib/hauspost/secrets');

export const secretsOf = (context: Context): Secrets => openSecrets(context.machine, SECRETS);

const DKIM = path('/var/lib/rspamd/dkim');

const STATES = path('/var/lib/hauspost/dkim');

export const keyringOf = (context: Context): Keyring => ({ machine: context.machine, secrets: secretsOf(context), states: STATES, directory: DKIM });
