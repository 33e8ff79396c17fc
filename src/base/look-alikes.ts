/**
 * Domain names that look like other ones. Takes what was typed and the A-labels that it comes to (RFC 5890); refuses characters that only
 * vanish on that way (full-width letters, invisible ones, other dots), labels that mix scripts which share shapes (Unicode UTS 39,
 * section 5.2), and labels of Cyrillic letters that all look Latin, but where Cyrillic is at home.
 */
import { domainToUnicode } from 'node:url';

/** Beside Latin letters Chinese, Japanese and Korean are written in one word. */
const BESIDE_LATIN = /^[\p{sc=Latin}\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Bopo}\p{sc=Common}\p{sc=Inherited}]*$/u;
const SHARE_SHAPES = [/\p{sc=Greek}/u, /\p{sc=Cyrl}/u, /\p{sc=Armn}/u, /\p{sc=Geor}/u, /\p{sc=Cher}/u, /\p{sc=Copt}/u];
const LATIN_LOOKING_CYRILLIC = /^[асԁеһіјӏорԛѕԝхуѵ0-9-]+$/u;
/** Countries where Cyrillic is written. */
const CYRILLIC_HOMES = new Set(['ba', 'bg', 'by', 'kg', 'kz', 'me', 'mk', 'mn', 'rs', 'ru', 'su', 'tj', 'ua', 'uz']);

const mixes = (label: string): boolean =>
  /\p{sc=Latin}/u.test(label) ? !BESIDE_LATIN.test(label) : SHARE_SHAPES.filter((script) => script.test(label)).length > 1;

/** Why the name could be taken for another one; undefined when it could not. */
export const lookAlike = (typed: string, aLabels: readonly string[]): string | undefined => {
  const given = typed.split('.');
  const lowered = typed.normalize('NFC').toLowerCase().split('.');
  const readable = aLabels.map((label) => domainToUnicode(label));
  const kept = aLabels.every((label, index) => {
    const ascii = !label.startsWith('xn--');
    return (lowered[index] === label || lowered[index] === readable[index]) && !(ascii && /[^ -~]/.test(given[index] ?? ''));
  });
  if (!kept || given.length !== aLabels.length) return 'holds look-alikes of other characters';
  if (readable.some(mixes)) return 'mixes letters of several scripts in one label';
  const top = aLabels.at(-1) ?? '';
  const home = CYRILLIC_HOMES.has(top) || /\p{sc=Cyrl}/u.test(domainToUnicode(top));
  if (!home && readable.some((label) => LATIN_LOOKING_CYRILLIC.test(label) && /\p{sc=Cyrl}/u.test(label)))
    return 'holds look-alikes of Latin letters';
  return undefined;
};
