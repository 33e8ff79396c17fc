/** Facts for tests: a server in the world with two domains. Keys are fixed, so that records can be written down. */
import { parseDomain, parseFqdn } from '#base';
import type { DnsFacts } from './facts.ts';

/** Made once with openssl-genpkey(1) for these tests. */
export const RSA =
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1Gj/k0x1v8L7XoXnQoiTIiuIomIcs66MZ9x023vMFt60Bi6vEZlRslkPrspM43CEYcYPCWKvgIbKQcTWTNFNdP' +
  '5WEPEFEQv3l9SBN0FKPulbDTNq1Czfb4JHTeUnMQD5IBhowvyFoxxmzCN2hZrdRfmKr4DEYqaInIgdVXrMRFRG/u4lGOry3pvfoXBz5Y9Z7W1w1TcnjAtW2w5ogLKpSnx+' +
  'BUiwz4lOYc/kOBX4q3VFQAEOL2psHQGV/sMNnI/zxPctFAFcAg1pTrZxrfxBZ1LsHyk8RsuUp+i5TjiPoy/v5dpYEaNvfZhp8Ky2735m2ghEpUsr+OdZkWpMFm8rxQIDAQ' +
  'AB';
export const ED25519 = 'MCowBQYDK2VwAyEAIFZSI0/N0RraniYI7sEhVhLoD7xXsKNMtW+ew9hBiJc=';

export const facts = (more: Partial<DnsFacts> = {}): DnsFacts => ({
  hostname: parseFqdn('mail.example.org'),
  home: parseDomain('example.org'),
  reached: { v4: ['192.0.2.25'], v6: ['2001:db8::25'] },
  sending: { v4: [], v6: [] },
  relay: null,
  ports: { imaps: 993, imap: 143, submissions: 465, submission: 587 },
  keys: [{ digest: 'ab'.repeat(32), state: 'current' }],
  certificateRead: true,
  signer: { by: 'own-ca' },
  certified: [],
  domains: [
    { domain: parseDomain('example.net'), dkim: [{ selector: 'h20261124', publicKey: RSA, state: 'active' }] },
    { domain: parseDomain('example.org'), dkim: [{ selector: 'h20261124', publicKey: RSA, state: 'active' }] },
  ],
  ttl: 3600,
  dmarc: 'none',
  ...more,
});
