/** Where an ACME client puts the answers to HTTP challenges (RFC 8555 section 8.3): the file of a token lies below `.well-known/acme-challenge/`. */
import { path } from '#base';

export const ACME_ROOT = path('/var/www/acme');
