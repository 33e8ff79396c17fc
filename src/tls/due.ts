/** When a certificate is asked for anew, and when somebody has to know that this did not work. */
import type { X509Certificate } from 'node:crypto';

const DAY_MS = 86_400_000;
/** Of a certificate of 90 days; of a shorter one the same share. */
const SOON_DAYS = 20;
const SOON_SHARE = 2 / 9;

const lifetime = ({ validFromDate, validToDate }: X509Certificate): number => validToDate.getTime() - validFromDate.getTime();

/** A third of its lifetime before its end (https://letsencrypt.org/docs/integration-guide/, "When to renew"). */
export const renewalOf = (leaf: X509Certificate): Date => new Date(leaf.validToDate.getTime() - lifetime(leaf) / 3);

/** So near its end that it should have been renewed long ago. */
export const isSoonOver = (leaf: X509Certificate, now: Date): boolean => {
  const left = leaf.validToDate.getTime() - now.getTime();
  return left >= 0 && left < Math.min(SOON_DAYS * DAY_MS, lifetime(leaf) * SOON_SHARE);
};

const FIRST_MS = 15 * 60_000;
const LONGEST_MS = 12 * 3_600_000;

/** After so many failures, one after the other. Let's Encrypt takes five of a name within an hour (https://letsencrypt.org/docs/rate-limits/). */
export const retryAfter = (failures: number, rateLimited: boolean, now: Date): Date =>
  new Date(now.getTime() + (rateLimited ? LONGEST_MS : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1))));

/** Until when it is left alone after what failed; undefined: not any more. A clock that was set back must not keep it from being asked for ever. */
export const leftAloneUntil = (notBefore: Date, now: Date): Date | undefined => {
  const left = notBefore.getTime() - now.getTime();
  return left > 0 && left < DAY_MS ? notBefore : undefined;
};
