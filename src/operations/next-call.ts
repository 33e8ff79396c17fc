/** When upkeep wants to be called again. Pure. */

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/**
 * Within a minute and an hour from now. Of `wishes` those of before this call began are over: what was due by then was done, or failed and is not to be tried
 * every minute.
 */
export const nextCall = (begun: Date, now: Date, wishes: readonly Date[]): Date => {
  const first = Math.min(now.getTime() + HOUR_MS, ...wishes.filter((wish) => wish >= begun).map((wish) => wish.getTime()));
  return new Date(Math.max(now.getTime() + MINUTE_MS, first));
};
