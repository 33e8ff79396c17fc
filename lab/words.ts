/** Words for messages that are to be unlike each other: who remembers messages by their text takes two of the same text for one. */
export const WORDS =
  'amber brook cedar delta ember frost glade haven inlet jetty knoll larch marsh north ocean prairie quarry ridge stone thorn'.split(' ');

/** Made once: messages of 50 MB have a million lines. */
const kept = (period: number, make: (seed: number) => string): ((seed: number) => string) => {
  const made: string[] = [];
  return (seed) => (made[seed % period] ??= make(seed % period));
};

const made = (seed: number): string =>
  Array.from({ length: 12 }, (_, at) => `${WORDS[(seed * 7 + at * at + (seed % 13) * at) % WORDS.length]}${(seed + at) % 97}`).join(' ');

/** Another one for each of the first 25,220 numbers. */
export const sentence = kept(WORDS.length * 13 * 97, made);

/** A line of an attachment (RFC 2045 section 6.8): another one for each of the first 256 numbers. */
export const base64Line = kept(256, (seed) =>
  Buffer.from(Array.from({ length: 57 }, (_, at) => (seed * 31 + at * at * 17) % 256)).toString('base64'),
);

const PLAIN = 'the house by the river was sold last summer and nobody knows who lives there now'.split(' ');
const plain = kept(PLAIN.length * 5, (seed) => PLAIN.map((_, at) => PLAIN[(seed * 7 + at * (1 + (seed % 5))) % PLAIN.length]).join(' '));

/** Words without numbers in them, and the number behind, so that no line is like another. */
export const prose = (seed: number): string => `${plain(seed)} ${seed}`;
