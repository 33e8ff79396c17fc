/**
 * In profile `local` the server's own resolver stands for the world's DNS: it shows the DKIM keys of the home domain as they are now, whichever
 * configuration is in place.
 */
import { homeDomain } from '#config';
import { keysOf } from '#dkim';
import type { RenderInput } from '#model';
import { KEY_ZONE, keyZoneName, keyZoneText } from '#services';
import { settingsInPlace } from './desired.ts';
import type { Context } from './operation.ts';
import { keyringOf } from './secrets.ts';

/** Whoever wrote the zone looks once more, so that who writes last has left out no key of another. A resolver that does not run reads it when it starts. */
export const showKeysOf = async (context: Context, settings: RenderInput['settings']): Promise<void> => {
  if (settings.profile !== 'local') return;
  const { machine } = context;
  const shown = async (): Promise<string | undefined> => (await machine.read(KEY_ZONE))?.toString();
  const wanted = async (): Promise<string> => keyZoneText(settings, await keysOf(keyringOf(context), homeDomain(settings)));
  for (let text = await wanted(); text !== (await shown()); text = await wanted()) {
    await machine.write(KEY_ZONE, text, { owner: 'root:root', mode: 0o644 });
    await machine.run(['unbound-control', 'auth_zone_reload', keyZoneName(settings)]);
  }
};

/** By the configuration in place, which the resolver goes by. */
export const showKeys = async (context: Context): Promise<void> => {
  const settings = await settingsInPlace(context);
  if (settings !== undefined) await showKeysOf(context, settings);
};
