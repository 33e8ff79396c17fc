/**
 * Durations as an administrator writes them: `5d`, `4h`, `30m`, `90s`, `2w`, and sums such as `1d12h`.
 * A bare number is refused: Postfix would read days, Dovecot seconds, and neither is what the next reader expects.
 */
import { operatorError } from '#base';

const SECONDS: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 };
const WHOLE = /^(?:[0-9]{1,6}[wdhms])+$/;
const PART = /([0-9]+)([wdhms])/g;

/** Whole seconds. Throws `input.duration` for anything but numbers with a unit. */
export const parseDuration = (input: string): number => {
  if (!WHOLE.test(input)) {
    const message = `duration ${JSON.stringify(input.slice(0, 80))} is not a number with a unit (w, d, h, m or s)`;
    throw operatorError({ code: 'input.duration', message, remedy: 'Write 5d, 4h or 30m.', detail: { value: input.slice(0, 300) } });
  }
  return [...input.matchAll(PART)].reduce((sum, [, count, unit]) => sum + Number(count) * (SECONDS[unit ?? ''] ?? Number.NaN), 0);
};
