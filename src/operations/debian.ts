/** Debian's release: an upgrade of it brings daemons that speak another dialect than the configuration that is in place. */
import type { Finding, RenderInput } from '#model';
import { inPlace } from './desired.ts';
import type { Context } from './operation.ts';

export const releaseFindings = async (context: Context, { facts: { codename } }: RenderInput): Promise<readonly Finding[]> => {
  const meta = (await inPlace(context))?.meta;
  if (meta === undefined || meta.codename === codename) return [];
  const message = `generation ${meta.number} was made for Debian ${meta.codename}, and this machine is ${codename} by now: not every daemon runs with it`;
  const remedy = `'hauspost apply' makes the configuration for ${codename}, and finishes the packages that could not start their daemons.`;
  return [{ level: 'warning', code: 'debian.upgraded', message, remedy }];
};
