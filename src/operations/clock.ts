/**
 * What can be said of the machine's clock: that it was set since a daemon began, and that it is behind what was done already. Whether it is right
 * nobody here knows; that is for a time service to say.
 */
import { supervised } from '#apply';
import { clockSetBy, initOf } from '#machine';
import type { Finding, RenderInput } from '#model';
import { SERVICES } from '#services';
import { inPlace } from './desired.ts';
import type { Context } from './operation.ts';

/** What a time service corrects on the way is less. */
const FAR_S = 3600;

const REMEDY = "See whether it is right now ('date'), and have a time service keep it so, such as Debian's systemd-timesyncd or chrony.";

const span = (seconds: number): string => {
  const hours = Math.round(Math.abs(seconds) / 3600);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
};

const day = (date: Date): string => date.toISOString().slice(0, 16).replace('T', ' ');

/** Of our own daemon: its first process stays the same for as long as it runs. */
const wasSet = async ({ machine }: Context, input: RenderInput): Promise<readonly Finding[]> => {
  const init = initOf(machine, input.facts);
  for (const service of SERVICES.filter(({ name }) => name === 'dkim-keys')) {
    const { pid, since } = await init.state(supervised(service, input));
    const by = pid === undefined || since === undefined ? undefined : await clockSetBy(machine, pid, since);
    if (by === undefined || Math.abs(by) < FAR_S) continue;
    const message = `the clock was set ${by > 0 ? 'forward' : 'back'} by ${span(by)} since the daemons started`;
    const remedy = `${REMEDY} Once it is, 'hauspost down' and 'hauspost up' start them anew, and this is no longer said.`;
    return [{ level: 'warning', code: 'clock.set', message, remedy }];
  }
  return [];
};

/** The configuration in place was put there later than it is now. */
const isBehind = async (context: Context): Promise<readonly Finding[]> => {
  const meta = (await inPlace(context))?.meta;
  const [now, then] = [context.machine.now(), new Date(meta?.applied ?? 0)];
  if (meta === undefined || then.getTime() - now.getTime() < FAR_S * 1000) return [];
  const message = `the clock says ${day(now)} (UTC), and generation ${meta.number} was put in place on ${day(then)}: it is wrong now, or was then`;
  return [{ level: 'warning', code: 'clock.behind', message, remedy: `${REMEDY} This is said until then, or until another generation is in place.` }];
};

export const clockFindings = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => [
  ...(await wasSet(context, input)),
  ...(await isBehind(context)),
];
