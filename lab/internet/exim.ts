/**
 * Foreign mail servers: Debian's Exim (exim(8), its specification), which takes mail for its domain into files, sends by MX with DANE where
 * the receiver has TLSA records, and tells in its log what TLS was and whose DKIM signatures held.
 */
import { until } from '../process.ts';
import type { ForeignHost } from './host.ts';
import { AUTHORITY } from './layer.ts';

export type Certificate = 'authority' | 'self-signed' | 'expired' | 'other-name' | 'none';

export interface EximOptions {
  /** Names below it are its own as well. */
  readonly domain: string;
  /** `none`: no STARTTLS. */
  readonly certificate: Certificate;
  /** Lines for an ACL (Exim specification, chapter 43), by where it is asked: `acl_smtp_rcpt`, say. */
  readonly acl?: Readonly<Record<string, readonly string[]>>;
  /** Further lines of the main part. */
  readonly more?: readonly string[];
  /** Lines behind all else: further parts (`begin authenticators`). */
  readonly parts?: readonly string[];
}

export interface EximServer {
  readonly host: ForeignHost;
  readonly domain: string;
  /** SHA-256 of its public key, as a TLSA record `3 1 1` holds it (RFC 6698). */
  readonly keyDigest: string;
  log(): Promise<string>;
  /** What was delivered, each message with all its headers, the envelope's as Return-path and Envelope-to; octets as latin1. */
  messages(): Promise<readonly string[]>;
  /** The one whose text holds `mark`; waits for it. */
  message(mark: string, ms?: number): Promise<string>;
  /** Hands a message to Exim as a program of the host would, to be sent. */
  submit(from: string, to: string, text: string): Promise<void>;
}

const ACLS = ['connect', 'helo', 'mail', 'rcpt', 'predata', 'data'] as const;
const CONFIG = '/etc/exim4/exim4.conf';
const LOG = '/var/log/exim4/mainlog';

/** Any number of connections: by default it answers 421 to the 21st. */
const configuration = ({ host, domain, certificate, acl = {}, more = [], parts = [] }: EximOptions & { readonly host: ForeignHost }): string => `
primary_hostname = ${host.name}
domainlist local_domains = ${domain} : *.${domain}
local_interfaces = <; ${host.addresses.v4} ; ${host.addresses.v6}
${certificate === 'none' ? 'tls_advertise_hosts =' : `tls_advertise_hosts = *\ntls_certificate = /srv/tls/chain.pem\ntls_privatekey = /srv/tls/key.pem`}
dns_dnssec_ok = 1
log_selector = +millisec +tls_cipher +tls_certificate_verified +tls_peerdn +tls_sni +dkim_verbose +received_recipients +smtp_connection +incoming_port +subject
spool_directory = /var/spool/exim4
message_size_limit = 60M
recipient_unqualified_hosts =
smtp_accept_max = 0
host_lookup = *
rfc1413_query_timeout = 0s
queue_run_max = 2
never_users =
trusted_users = root
untrusted_set_sender = *
${ACLS.map((name) => `acl_smtp_${name} = acl_${name}`).join('\n')}
${more.join('\n')}

begin acl
${ACLS.map((name) => {
  const lines = acl[`acl_smtp_${name}`] ?? [];
  const last = name === 'rcpt' ? ['  accept domains = +local_domains', '  deny message = relay not permitted'] : ['  accept'];
  return [`acl_${name}:`, ...lines.map((line) => `  ${line}`), ...last].join('\n');
}).join('\n')}

begin routers
local:
  driver = accept
  domains = +local_domains
  transport = file
elsewhere:
  driver = dnslookup
  domains = ! +local_domains
  transport = outward
  dnssec_request_domains = *
  no_more

begin transports
file:
  driver = appendfile
  directory = /srv/mail
  maildir_format
  create_directory
  user = mail
  group = mail
  envelope_to_add
  return_path_add
  delivery_date_add
outward:
  driver = smtp
  hosts_try_dane = *
  dnssec_request_domains = *
  tls_verify_certificates = /srv/authority/certificate.pem
  tls_try_verify_hosts = *

begin retry
* * F,1h,5s

${parts.join('\n')}
`;

const openssl = async (host: ForeignHost, ...words: readonly string[]): Promise<string> => (await host.must(['openssl', ...words])).stdout;

/** `ca -enddate` takes YYMMDDHHMMSSZ. */
const SIGN = `set -e; cd /srv/tls; mkdir -p ca; : >ca/index; echo 01 >ca/serial
printf '[ca]\\ndefault_ca=a\\n[a]\\ndatabase=ca/index\\nserial=ca/serial\\nnew_certs_dir=ca\\ndefault_md=sha256\\npolicy=p\\nunique_subject=no\\ncopy_extensions=copy\\n[p]\\ncommonName=supplied\\n' >ca.cnf
openssl ca -batch -notext -config ca.cnf -keyfile "$1" -cert "$2" -startdate 240101000000Z -enddate "$3" -in request.pem -out certificate.pem 2>/dev/null`;

/** Key, certificate and chain in /srv/tls, for its name and `domain`; answers with the digest of the key as a TLSA record holds it. */
export const makeCertificate = async (host: ForeignHost, { certificate, domain }: Pick<EximOptions, 'certificate' | 'domain'>): Promise<string> => {
  if (certificate === 'none') return '';
  const name = certificate === 'other-name' ? 'other.example' : host.name;
  await host.must(['mkdir', '-p', '/srv/tls']);
  const request = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', '/srv/tls/key.pem'];
  const names = certificate === 'other-name' ? [name] : [name, domain, `*.${domain}`];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names.map((each) => `DNS:${each}`).join(',')}`];
  if (certificate === 'self-signed') await openssl(host, ...request, '-x509', '-days', '365', '-out', '/srv/tls/certificate.pem', ...subject);
  else {
    await openssl(host, ...request, '-out', '/srv/tls/request.pem', ...subject);
    await host.must(['sh', '-c', SIGN, 'sign', AUTHORITY.key, AUTHORITY.certificate, certificate === 'expired' ? '250101000000Z' : '360101000000Z']);
  }
  await host.must(['sh', '-c', `cat /srv/tls/certificate.pem ${certificate === 'self-signed' ? '' : AUTHORITY.certificate} >/srv/tls/chain.pem`]);
  // Exim reads its key as the user that it runs as.
  await host.must(['chown', '-R', 'Debian-exim:Debian-exim', '/srv/tls']);
  const digest = 'openssl x509 -in /srv/tls/certificate.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d" " -f1';
  return (await host.must(['sh', '-c', digest])).stdout.trim();
};

export const exim = async (host: ForeignHost, options: EximOptions): Promise<EximServer> => {
  const keyDigest = await makeCertificate(host, options);
  await host.room.put({ [CONFIG]: configuration({ ...options, host }) });
  await host.must(['sh', '-c', 'mkdir -p /srv/mail /run/exim4 && chown mail:mail /srv/mail && chown Debian-exim:Debian-exim /run/exim4']);
  const { child } = host.daemon(['exim4', '-bdf', '-q5s', '-oP', '/run/exim4/exim.pid']);
  await until(
    `${host.name} answers on port 25`,
    async () => {
      if (child.exitCode !== null) throw new Error(`Exim ended: ${(await host.room.run(['exim4', '-bV'])).stderr}`);
      return host.dial({ host: host.addresses.v4, port: 25 }).then(
        (socket) => socket.destroy() !== undefined || undefined,
        () => undefined,
      );
    },
    30_000,
    100,
  );
  const log = async (): Promise<string> => (await host.room.run(['cat', LOG])).stdout;
  const messages = async (): Promise<readonly string[]> => {
    const script = 'for file in /srv/mail/new/*; do [ -f "$file" ] && cat "$file" && printf "\\0"; done; true';
    const { stdout } = await host.room.run(['sh', '-c', script], { encoding: 'latin1' });
    return stdout.split('\0').filter((text) => text !== '');
  };
  return {
    host,
    domain: options.domain,
    keyDigest,
    log,
    messages,
    message: (mark, ms = 60_000) =>
      until(`a message with ${mark} is at ${host.name}`, async () => (await messages()).find((text) => text.includes(mark)), ms, 200),
    submit: async (from, to, text) => void (await host.must(['exim4', '-f', from, to], { input: text })),
  };
};
