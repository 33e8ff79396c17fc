/** What would make records wrong or of no use, and what to do about it. */
import type { Settings } from '#config';
import type { Finding } from '#model';
import type { DnsFacts } from './facts.ts';

const warning = (code: string, message: string, remedy: string): Finding => ({ level: 'warning', code, message, remedy });

const local = (): Finding =>
  warning(
    'dns.local',
    'the profile is "local": only this machine reaches the server, and nobody outside needs these records',
    'To have a server in the world: \'hauspost up --hostname mail.example.org --domain example.org\' on a fresh machine, or profile = "public" below [server].',
  );

const addresses = ({ reached: { v4, v6 } }: DnsFacts): readonly Finding[] => {
  if (v4.length > 0) return [];
  const [what, code] = v6.length > 0 ? ['IPv4 address', 'dns.no-ipv4'] : ['address', 'dns.no-address'];
  const message = `no public ${what} of this server is known: there is no ${v6.length > 0 ? 'A' : 'A or AAAA'} record`;
  return [warning(code, message, 'If it stands behind a router or proxy (NAT), write public_addresses = ["..."] below [network].')];
};

/** Then the old key is still served, and the record of the new one would turn mail away. */
const unread = ({ keys, certificateRead }: DnsFacts): readonly Finding[] => {
  if (keys.length === 0 || certificateRead) return [];
  const message = 'the TLSA record is of a certificate that the daemons have not read yet';
  return [warning('dns.certificate-unread', message, "Publish it beside the old one, and an hour later run 'hauspost apply'.")];
};

const relay = ({ relay: host }: DnsFacts): readonly Finding[] => {
  if (host === null) return [];
  const message = `mail leaves by ${host}, whose addresses are not known here: SPF says nothing of other senders (?all)`;
  return [warning('dns.relay', message, `Add to each SPF record what the provider of ${host} asks for, often include:..., before ?all.`)];
};

const noDomain = ({ domains }: DnsFacts): readonly Finding[] =>
  domains.length > 0
    ? []
    : [warning('dns.no-domain', 'there is no domain yet: these are the records of the host alone', "Run 'hauspost domain add example.org'.")];

export const dnsFindings = ({ profile }: Pick<Settings, 'profile'>, facts: DnsFacts): readonly Finding[] => [
  ...(profile === 'local' ? [local()] : addresses(facts)),
  ...unread(facts),
  ...relay(facts),
  ...noDomain(facts),
];
