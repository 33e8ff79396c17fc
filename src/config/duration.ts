/**
 * Durations as an administrator writes them: `5d`, `4h`, `30m`, `90s`, `2w`, and sums such as `1d12h`.
 * A bare number is refused: Postfix would read days, Dovecot seconds, and neither is what the next reader expects.
 */
import { operatorError } from '#base';

const SECONDS: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 };
const WHOLE = /^(?:[0-9]{1,6}[wdhms])+$/;
const PART = /([0-9]+)([wdhms])/g;

/** What people call a unit. */
const CALLED = /^(?:(w)(?:ks?|eeks?)?|(d)(?:ays?)?|(h)(?:rs?|ours?)?|(m)(?:ins?|inutes?)?|(s)(?:ecs?|econds?)?)$/i;
const SPOKEN = /^(?:[0-9]{1,6}(?:[.,][0-9]{1,3})?\s*[a-z]+\.?[\s,]*(?:and\s+)?)+$/i;
const SPOKEN_PART = /([0-9]+(?:[.,][0-9]+)?)\s*([a-z]+)/gi;

/** `1.5` and `h` as `1h30m`. */
const inWhole = (count: number, unit: string): string => {
  if (Number.isInteger(count)) return `${count}${unit}`;
  let left = Math.round(count * (SECONDS[unit] ?? 0));
  return Object.entries(SECONDS)
    .map(([name, seconds]) => {
      const whole = Math.floor(left / seconds);
      left -= whole * seconds;
      return whole === 0 ? '' : `${whole}${name}`;
    })
    .join('');
};

/** The right form of what somebody wrote who meant a duration: `5 days` is `5d`, `1.5h` `1h30m`; a bare number has the unit of `example`. Undefined: not to be told. */
export const meantDuration = (input: string, example: string): string | undefined => {
  const text = input.trim();
  if (/^[0-9]{1,6}$/.test(text)) return `${text}${example.slice(-1)}`;
  if (!SPOKEN.test(text)) return undefined;
  const parts = [...text.replaceAll(/\band\b/gi, ' ').matchAll(SPOKEN_PART)].map(([, count = '', name = '']) => {
    const unit = CALLED.exec(name)
      ?.slice(1)
      .find((each) => each !== undefined)
      ?.toLowerCase();
    return unit === undefined ? undefined : inWhole(Number(count.replace(',', '.')), unit);
  });
  return parts.includes(undefined) ? undefined : parts.join('');
};

/** Whole seconds. Throws `input.duration` for anything but numbers with a unit. */
export const parseDuration = (input: string): number => {
  if (!WHOLE.test(input)) {
    const message = `duration ${JSON.stringify(input.slice(0, 80))} is not a number with a unit (w, d, h, m or s)`;
    throw operatorError({ code: 'input.duration', message, remedy: 'Write 5d, 4h or 30m.', detail: { value: input.slice(0, 300) } });
  }
  return [...input.matchAll(PART)].reduce((sum, [, count, unit]) => sum + Number(count) * (SECONDS[unit ?? ''] ?? Number.NaN), 0);
};
