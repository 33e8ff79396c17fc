/**
 * The hash under which the controller knows its password, as `rspamadm pw -e -t pbkdf2` makes it: PBKDF2 over keyed BLAKE2b
 * (not HMAC), 16,000 rounds, 20 octets of salt, 32 of key, in Rspamd's base32. Pure: the salt is the caller's random.
 * Source: Rspamd 3.4 and 3.12.1, src/libcryptobox/cryptobox.c (rspamd_cryptobox_pbkdf2), src/libutil/util.c (pbkdf_list).
 * The newer Catena (`$2$`) would need a second hash function and gains nothing for a password that we generate.
 */
import { bug } from '#base';
import { blake2b512 } from './blake2b.ts';

const ROUNDS = 16_000;
const SALT_OCTETS = 20;
const KEY_OCTETS = 32;

/** zbase32's alphabet, but the bits are taken from the low end of each octet (src/libutil/str_util.c, rspamd_encode_base32_buf). */
const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769';

const base32 = (octets: Uint8Array): string => {
  let [text, held, bits] = ['', 0, 0];
  for (const octet of octets) {
    held |= octet << bits;
    for (bits += 8; bits >= 5; bits -= 5) {
      text += ALPHABET.charAt(held & 31);
      held >>>= 5;
    }
  }
  return bits > 0 ? text + ALPHABET.charAt(held & 31) : text;
};

/** `password` in UTF-8; `salt` of 20 random octets. Answers `$1$<salt>$<key>`. */
export const rspamdPasswordHash = (password: string, salt: Uint8Array): string => {
  if (salt.length !== SALT_OCTETS) throw bug(`a salt of ${salt.length} octets for Rspamd's password`);
  if (password === '') throw bug("an empty password for Rspamd's controller");
  const key = Buffer.from(password, 'utf8');
  const digest = blake2b512(key.length <= 64 ? key : blake2b512()(key));
  let round = digest(Buffer.concat([salt, Buffer.from([0, 0, 0, 1])]));
  const sum = Uint8Array.from(round);
  for (let count = 1; count < ROUNDS; count += 1) {
    round = digest(round);
    round.forEach((octet, index) => {
      sum[index] = (sum[index] ?? 0) ^ octet;
    });
  }
  return `$1$${base32(salt)}$${base32(sum.subarray(0, KEY_OCTETS))}`;
};
