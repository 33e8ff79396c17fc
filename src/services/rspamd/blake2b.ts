/**
 * BLAKE2b with a 64-octet digest and an optional key (RFC 7693). Node's crypto has no keyed BLAKE2, and Rspamd's password hash is
 * made of it. 64-bit words are pairs of 32-bit words (low, high), because 16,000 rounds with BigInt take seconds.
 * Refuses keys of more than 64 octets, as the RFC does.
 */
import { bug } from '#base';

/** Section 2.6, low half first. */
const IV = Uint32Array.of(
  0xf3bcc908,
  0x6a09e667,
  0x84caa73b,
  0xbb67ae85,
  0xfe94f82b,
  0x3c6ef372,
  0x5f1d36f1,
  0xa54ff53a,
  0xade682d1,
  0x510e527f,
  0x2b3e6c1f,
  0x9b05688c,
  0xfb41bd6b,
  0x1f83d9ab,
  0x137e2179,
  0x5be0cd19,
);

/** Section 2.7: which message word each step takes, one hexadecimal digit a step; rounds 11 and 12 repeat the first two. */
const SIGMA = [
  '0123456789abcdef',
  'ea489fd61c02b753',
  'b8c052fdae367194',
  '7931dcbe265a40f8',
  '905724afe1bc683d',
  '2c6a0b834d75fe19',
  'c51fed4a0763928b',
  'db7ec13950f4862a',
  '6fe9b308c2d714a5',
  'a2847615fb9e3cd0',
  '0123456789abcdef',
  'ea489fd61c02b753',
].map((digits) => Uint8Array.from(digits, (digit) => Number.parseInt(digit, 16)));

/** Section 3.2: columns, then diagonals. */
const STEPS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
].map((words) => Uint8Array.from(words, (word) => word * 2));

const at = (words: Uint32Array | Uint8Array, index: number): number => words[index] ?? 0;

/** v[to] += low + 2^32 high */
const add = (v: Uint32Array, to: number, low: number, high: number): void => {
  const sum = at(v, to) + low;
  v[to] = sum;
  v[to + 1] = at(v, to + 1) + high + (sum >= 0x1_0000_0000 ? 1 : 0);
};

/** v[to] = (v[to] xor v[by]) rotated right by 32, 24, 16 or 63 */
const mixed = (v: Uint32Array, to: number, by: number, bits: 32 | 24 | 16 | 63): void => {
  const low = at(v, to) ^ at(v, by);
  const high = at(v, to + 1) ^ at(v, by + 1);
  if (bits === 32) {
    v[to] = high;
    v[to + 1] = low;
  } else if (bits === 63) {
    v[to] = (low << 1) | (high >>> 31);
    v[to + 1] = (high << 1) | (low >>> 31);
  } else {
    v[to] = (low >>> bits) | (high << (32 - bits));
    v[to + 1] = (high >>> bits) | (low << (32 - bits));
  }
};

/** Section 3.1, the function G; `a` to `d` are places in `v`, `x` and `y` in the message. */
const step = (v: Uint32Array, words: Uint8Array, message: Uint32Array, x: number, y: number): void => {
  const [a, b, c, d] = [at(words, 0), at(words, 1), at(words, 2), at(words, 3)];
  add(v, a, at(v, b), at(v, b + 1));
  add(v, a, at(message, x), at(message, x + 1));
  mixed(v, d, a, 32);
  add(v, c, at(v, d), at(v, d + 1));
  mixed(v, b, c, 24);
  add(v, a, at(v, b), at(v, b + 1));
  add(v, a, at(message, y), at(message, y + 1));
  mixed(v, d, a, 16);
  add(v, c, at(v, d), at(v, d + 1));
  mixed(v, b, c, 63);
};

/** Section 3.2, the function F: the state after one block of 128 octets, `octets` of input having been read with it. */
const compressed = (state: Uint32Array, block: Uint8Array, octets: number, last: boolean): Uint32Array => {
  const view = new DataView(block.buffer, block.byteOffset, 128);
  const message = Uint32Array.from({ length: 32 }, (_, index) => view.getUint32(index * 4, true));
  const v = new Uint32Array(32);
  v.set(state);
  v.set(IV, 16);
  v[24] = at(v, 24) ^ octets;
  if (last) {
    v[28] = ~at(v, 28);
    v[29] = ~at(v, 29);
  }
  for (const sigma of SIGMA) {
    STEPS.forEach((words, index) => {
      step(v, words, message, at(sigma, index * 2) * 2, at(sigma, index * 2 + 1) * 2);
    });
  }
  return state.map((word, index) => word ^ at(v, index) ^ at(v, index + 16));
};

/** A function from a message to its digest under `key` (empty: unkeyed); the key's own block is compressed only once. */
export const blake2b512 = (key: Uint8Array = new Uint8Array()): ((message: Uint8Array) => Uint8Array) => {
  if (key.length > 64) throw bug(`a BLAKE2b key of ${key.length} octets`);
  const fresh = Uint32Array.from(IV);
  fresh[0] = at(fresh, 0) ^ 0x0101_0000 ^ (key.length << 8) ^ 64;
  const keyBlock = new Uint8Array(128);
  keyBlock.set(key);
  const keyed = key.length > 0;
  const start = keyed ? compressed(fresh, keyBlock, 128, false) : fresh;
  const keyOnly = keyed ? compressed(fresh, keyBlock, 128, true) : fresh;
  return (message) => {
    const blocks = Math.max(1, Math.ceil(message.length / 128));
    let state = start;
    for (let index = 0; index < blocks && !(keyed && message.length === 0); index += 1) {
      const block = new Uint8Array(128);
      block.set(message.subarray(index * 128, (index + 1) * 128));
      const last = index === blocks - 1;
      state = compressed(state, block, (keyed ? 128 : 0) + (last ? message.length : (index + 1) * 128), last);
    }
    return new Uint8Array((keyed && message.length === 0 ? keyOnly : state).buffer);
  };
};
