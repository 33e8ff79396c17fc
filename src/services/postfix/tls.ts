/**
 * TLS in both directions. On port 25 any encryption is better than none, so only the version is bound; clients of the
 * submission ports get Mozilla's "intermediate" (see submission.ts). Keys are read by root before chroot and privileges go.
 */
import { type Row, ref, template } from '#formats';
import type { RenderInput } from '#model';

const server = ({ wiring: { places } }: RenderInput): readonly Row[] => [
  { set: 'smtpd_tls_chain_files', to: [places['tls-key'], places['tls-chain']], why: 'Key first, then its chain.' },
  { set: 'smtpd_tls_security_level', to: 'may' },
  { set: 'smtpd_tls_auth_only', to: true },
  { set: 'smtpd_tls_protocols', to: '>=TLSv1.2' },
  { set: 'smtpd_tls_mandatory_protocols', to: '>=TLSv1.2' },
  { set: 'smtpd_tls_received_header', to: true, why: 'Who debugs a message sees whether it came encrypted.' },
  { set: 'smtpd_tls_loglevel', to: 1 },
  { set: 'tls_ssl_options', to: ['NO_COMPRESSION', 'NO_RENEGOTIATION'] },
  { set: 'tls_eecdh_auto_curves', to: '', from: '3.10', why: 'OpenSSL chooses, with hybrids that a quantum computer does not break.' },
  { set: 'tls_ffdhe_auto_groups', to: '', from: '3.10' },
];

/** RFC 7672: DANE where a validated TLSA record says so, else whatever encryption the other side has. */
const client = ({ settings }: RenderInput): readonly Row[] => [
  ...(settings.resolver.validate
    ? [
        { set: 'smtp_tls_security_level', to: 'dane' },
        { set: 'smtp_dns_support_level', to: 'dnssec' },
        { set: 'smtp_tls_dane_insecure_mx_policy', to: 'dane', until: '3.10', why: 'The fixed default from 3.10 on.' },
      ]
    : [{ set: 'smtp_tls_security_level', to: 'may', why: 'Without DNSSEC there is no DANE.' }]),
  { set: 'tls_required_enable', to: false, from: '3.10', why: 'A header, TLS-Required: no (RFC 8689), would undo policies and DANE.' },
  { set: 'smtp_tls_protocols', to: '>=TLSv1.2' },
  { set: 'smtp_tls_mandatory_protocols', to: '>=TLSv1.2' },
  { set: 'smtp_tls_CAfile', to: '/etc/ssl/certs/ca-certificates.crt', why: 'For domains whose policy asks for a certificate.' },
  { set: 'smtp_tls_session_cache_database', to: template`lmdb:${ref('data_directory')}/smtp_scache` },
  { set: 'smtp_tls_loglevel', to: 1 },
];

export const tls = (input: RenderInput): readonly Row[] => [...server(input), ...client(input)];
