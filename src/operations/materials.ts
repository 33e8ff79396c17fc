/** What the daemons need and no renderer writes: certificates, and DKIM keys where Rspamd reads them. */
import type { Desired, Materials } from '#apply';
import { path } from '#base';
import { publishDkimKeys } from '#dkim';
import type { RenderInput, Wake } from '#model';
import { ensureOwnCa, type OwnCaRequest, wantedOfOwnCa } from '#tls';
import type { Context } from './operation.ts';
import { secretsOf } from './secrets.ts';

const ownCa = ({ settings, wiring: { places } }: RenderInput): OwnCaRequest => ({
  names: [settings.hostname, ...(settings.profile === 'local' ? ['localhost'] : [])],
  addresses: settings.profile === 'local' ? ['127.0.0.1', '::1'] : [],
  key: places['tls-key'],
  chain: places['tls-chain'],
  ca: places['tls-ca'],
  caKey: path(`${places.secrets}/own-ca.key`),
});

/** Each reads the certificate when it starts, and again when it is told to. */
const readers = ({ settings }: RenderInput): readonly Wake[] => [
  { service: 'postfix', by: 'reload' },
  { service: 'dovecot', by: 'reload' },
  ...(settings.webUi.enabled ? [{ service: 'nginx', by: 'reload' } as const] : []),
];

export const materialsFor = (context: Context): Materials => ({
  missing: async ({ input }: Desired) => {
    if (input.settings.tls.source !== 'own-ca') return [];
    const action = await wantedOfOwnCa(context.machine, ownCa(input));
    return action === undefined ? [] : [{ target: input.wiring.places['tls-chain'], action, wakes: readers(input) }];
  },
  make: async ({ input }: Desired) => {
    if (input.settings.tls.source === 'own-ca') await ensureOwnCa(context.machine, ownCa(input));
    await publishDkimKeys(context.machine, secretsOf(context), input.wiring.places.dkim);
  },
});
