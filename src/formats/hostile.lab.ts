/**
 * Values for the serializers' tests that are as nasty as an operator's can be: every character with a meaning somewhere, alone, at
 * either end and in the middle, then random mixtures of them. The same seed gives the same values.
 */

const TOKENS: readonly string[] = [
  ...[
    '\n',
    '\r',
    '\r\n',
    '\t',
    '\0',
    '\u0001',
    '\u001b',
    '\u007f',
    ' ',
    '  ',
    '"',
    "'",
    '""',
    "''",
    '`',
    '\\',
    '\\\\',
    '\\n',
    '\\"',
    "\\'",
    '\\x41',
    '\\u0041',
    '\\s',
    '\\ ',
  ],
  ...[
    '$',
    '$$',
    '$x',
    '${x}',
    '${',
    '$(x)',
    '${mail_name}',
    '$SET:x',
    '$ENV:PATH',
    '%',
    '%%',
    '%u',
    '%{user}',
    '%{',
    '%d',
    '%n',
    '#',
    ' #',
    ' # x',
    '##',
  ],
  ...[
    ';',
    ';;',
    '{',
    '}',
    '{}',
    '{ a = b }',
    '{= x =}',
    '{% if %}',
    '{# x #}',
    '{{',
    '}}',
    '[',
    ']',
    '(',
    ')',
    '<',
    '>',
    '</etc/passwd',
    '<<EOF',
    '!include x',
    '.include "x"',
  ],
  ...[',', ', ', '=', ' = ', ':', '|', '&', '~', '*', '?', '^', '@', '!', '/', '//', '/*', '*/', '-', '--', '+', '-- '],
  ...[
    'yes',
    'no',
    'true',
    'null',
    '0',
    '-1',
    '1e3',
    '5m',
    '10k',
    'é',
    'ß',
    '漢字',
    '😀',
    '\u00a0',
    '\u2028',
    '\ufeff',
    '\u0301',
    'a',
    'Z',
    '9',
    'word',
    'two words',
  ],
];

/** mulberry32: small, and the same everywhere. */
const generator = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

/** `count` different values, of at most `longest` octets; the empty one and one of `longest` octets are among them. */
export const hostileValues = (seed: number, count: number, longest = 3000): readonly string[] => {
  const below = generator(seed);
  const pick = (): string => TOKENS[below(TOKENS.length)] ?? '';
  const values = new Set<string>(['', 'x'.repeat(longest), '\\'.repeat(7), '"'.repeat(5)]);
  for (const token of TOKENS) for (const value of [token, `${token}x`, `x${token}`, `x${token}y`]) values.add(value);
  while (values.size < count) values.add(Array.from({ length: 2 + below(below(20) === 0 ? 60 : 8) }, pick).join(''));
  return [...values].slice(0, count);
};

/** Which values `render` accepts, and which it refuses with the error for that; any other error is thrown on. */
export const sorted = (
  values: readonly string[],
  render: (value: string) => unknown,
): { readonly held: readonly string[]; readonly refused: readonly string[] } => {
  const [held, refused]: [string[], string[]] = [[], []];
  for (const value of values) {
    try {
      render(value);
      held.push(value);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'format.cannot-hold')) throw error;
      refused.push(value);
    }
  }
  return { held, refused };
};
