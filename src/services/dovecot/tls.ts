/** TLS towards clients: Mozilla's intermediate profile, guideline 6.0 (M19). Curves stay OpenSSL's choice, so that it brings new ones by itself. */
import { contentsOf } from '#formats';
import type { Subject } from './vocabulary.ts';

/** For TLS 1.2; ECDSA and RSA certificates both find theirs. TLS 1.3 has its own. */
const CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export const tls: Subject = ({ wiring: { places } }) => ({
  rows: [
    { set: 'ssl', to: 'required' },
    { set: 'ssl_min_protocol', to: 'TLSv1.2' },
    { set: 'ssl_cipher_list', to: CIPHERS },
    { set: 'ssl_cert', to: contentsOf(places['tls-chain']), until: '2.4' },
    { set: 'ssl_key', to: contentsOf(places['tls-key']), until: '2.4' },
    { set: 'ssl_prefer_server_ciphers', to: false, until: '2.4' },
    { set: 'ssl_server_cert_file', to: places['tls-chain'], from: '2.4' },
    { set: 'ssl_server_key_file', to: places['tls-key'], from: '2.4' },
    { set: 'ssl_server_prefer_ciphers', to: 'client', from: '2.4' },
  ],
});
