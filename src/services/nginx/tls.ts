/**
 * TLS of the web port: Mozilla's intermediate profile (TLS 1.2 with forward secret AEAD suites, and 1.3), the client's order.
 * Trusts the key and chain where the wiring says they are; the master process reads them as root.
 */
import type { Row } from '#formats';
import type { RenderInput } from '#model';

const SUITES = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

export const tlsRows = ({ wiring }: RenderInput): readonly Row[] => [
  { set: 'ssl_certificate', to: wiring.places['tls-chain'] },
  { set: 'ssl_certificate_key', to: wiring.places['tls-key'] },
  { set: 'ssl_protocols', to: ['TLSv1.2', 'TLSv1.3'] },
  { set: 'ssl_ciphers', to: SUITES.join(':') },
  { set: 'ssl_prefer_server_ciphers', to: false },
  { set: 'ssl_session_timeout', to: '1d' },
  { set: 'ssl_session_cache', to: 'shared:tls:1m' },
  { set: 'ssl_session_tickets', to: false, why: 'The keys of tickets are never changed by nginx itself.' },
];
