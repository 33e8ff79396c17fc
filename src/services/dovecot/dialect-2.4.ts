/** Dovecot 2.4 (Debian 13): `%{user | lower}`, and plugins' settings among all others. */
import { ref } from '#formats';
import type { Dialect } from './vocabulary.ts';

export const dialect24: Dialect = {
  variables: {
    login: ref('user | lower'),
    local: ref('user | username | lower'),
    domain: ref('user | domain | lower'),
    service: ref('protocol'),
    secured: ref('secured'),
    client: ref('remote_ip'),
    digest: ref('password | default | md5 | hexlify'),
    seen: ref('passdb:seen'),
  },
  written: ({ ref: name }) => `%{${name}}`,
  quota: 'size',
  plugin: (rows) => rows,
};
