/**
 * Domain names that look like other ones. Takes what was typed and the A-labels that it comes to (RFC 5890); refuses characters that only
 * vanish on that way (full-width letters, invisible ones, other dots), labels that mix scripts which share shapes (Unicode UTS 39,
 * section 5.2), Latin letters that no alphabet has (phonetic ones, small capitals, clicks), and labels of Cyrillic, Greek or Armenian
 * letters that all look Latin, but where that script is at home.
 */
import { domainToUnicode } from 'node:url';

/** Beside Latin letters Chinese, Japanese and Korean are written in one word. */
const BESIDE_LATIN = /^[\p{sc=Latin}\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Bopo}\p{sc=Common}\p{sc=Inherited}]*$/u;
const SHARE_SHAPES = [/\p{sc=Greek}/u, /\p{sc=Cyrl}/u, /\p{sc=Armn}/u, /\p{sc=Geor}/u, /\p{sc=Cher}/u, /\p{sc=Copt}/u];
/** What UTS 39 allows in identifiers (IdentifierStatus.txt, Unicode 17) of the letters that are no ASCII letter with marks. */
const LATIN_LETTER = /[a-zßæðøþđħıłŋœŧƒƙƴǝɍɓɔɖɗəɛɣɨɩɲʉʋʒ]/;

interface Script {
  readonly has: RegExp;
  /** Its letters that look like Latin ones, digits and hyphens. */
  readonly alike: RegExp;
  /** Top-level domains where it is written. */
  readonly homes: ReadonlySet<string>;
}

const ALIKE: readonly Script[] = [
  {
    has: /\p{sc=Cyrl}/u,
    alike: /^[асԁеһіјӏорԛѕԝхуѵ0-9-]+$/u,
    homes: new Set(['ba', 'bg', 'by', 'kg', 'kz', 'me', 'mk', 'mn', 'rs', 'ru', 'su', 'tj', 'ua', 'uz']),
  },
  { has: /\p{sc=Greek}/u, alike: /^[αγηικνορστυω0-9-]+$/u, homes: new Set(['cy', 'gr']) },
  { has: /\p{sc=Armn}/u, alike: /^[ագզէլհյոսցւօ0-9-]+$/u, homes: new Set(['am']) },
];

const mixes = (label: string): boolean =>
  /\p{sc=Latin}/u.test(label) ? !BESIDE_LATIN.test(label) : SHARE_SHAPES.filter((script) => script.test(label)).length > 1;

const isStrange = (label: string): boolean => [...label.normalize('NFD')].some((each) => /\p{sc=Latin}/u.test(each) && !LATIN_LETTER.test(each));

/** Whether it is written in the label's script from end to end, and could be read as Latin. */
const looksLatin = (label: string, top: string): boolean =>
  ALIKE.some(({ has, alike, homes }) => has.test(label) && alike.test(label) && !homes.has(top) && !has.test(domainToUnicode(top)));

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
  if (readable.some(isStrange)) return 'holds a letter that only looks like one of an alphabet';
  if (readable.some((label) => looksLatin(label, aLabels.at(-1) ?? ''))) return 'holds look-alikes of Latin letters';
  return undefined;
};
