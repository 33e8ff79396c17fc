/** Words for messages that are to be unlike each other: who remembers messages by their text takes two of the same text for one. */
export const WORDS =
  'amber brook cedar delta ember frost glade haven inlet jetty knoll larch marsh north ocean prairie quarry ridge stone thorn'.split(' ');

/** Another one for each number. */
export const sentence = (seed: number): string =>
  Array.from({ length: 12 }, (_, at) => `${WORDS[(seed * 7 + at * at + (seed % 13) * at) % WORDS.length]}${(seed + at) % 97}`).join(' ');
