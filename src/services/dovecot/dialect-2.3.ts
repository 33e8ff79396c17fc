/** Dovecot 2.3 (Debian 12): `%Lu`, and plugins' settings in a block of their own. */
import { ref } from '#formats';
import type { Dialect } from './vocabulary.ts';

export const dialect23: Dialect = {
  variables: { login: ref('Lu'), local: ref('Ln'), domain: ref('Ld'), service: ref('service'), secured: ref('secured') },
  written: ({ ref: name }) => (name.length <= 2 ? `%${name}` : `%{${name}}`),
  quota: 'rule',
  plugin: (rows) => [{ block: 'plugin', rows }],
};
