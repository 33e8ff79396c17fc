/** Dovecot 2.3 (Debian 12): `%Lu`, and plugins' settings in a block of their own. */
import { ref } from '#formats';
import type { Dialect } from './vocabulary.ts';

export const dialect23: Dialect = {
  variables: {
    login: ref('Lu'),
    local: ref('Ln'),
    domain: ref('Ld'),
    service: ref('service'),
    secured: ref('secured'),
    client: ref('r'),
    digest: ref('Mw'),
    seen: ref('passdb:seen'),
  },
  written: ({ ref: name }) => (/^[0-9]*[A-Z]*[a-z]$/.test(name) ? `%${name}` : `%{${name}}`),
  quota: 'rule',
  plugin: (rows) => [{ block: 'plugin', rows }],
};
