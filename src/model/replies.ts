/**
 * How the filter knows what people's Sieve scripts answer (vacation, reject): Dovecot hands it to sendmail(1) like any program of the
 * machine, so it writes whose answer it is into a header of its own, beside a word that only Dovecot and the filter know.
 */
import type { SecretRef } from '#base';

export const REPLY_HEADER = 'X-Hauspost-Reply';
export const REPLY_WORD: SecretRef = { secret: 'sieve.reply' };
