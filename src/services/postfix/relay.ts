/**
 * Mail to others by way of one server that delivers it (relay host, "smarthost"), with a login if it wants one. A password goes only to
 * whoever shows a certificate of that name.
 */
import { path, type SecretRef } from '#base';
import type { Relay } from '#config';
import type { Row } from '#formats';
import type { Item, RenderInput } from '#model';

export const RELAY_PASSWORD: SecretRef = { secret: 'relay.password' };

const FILE = path('/etc/postfix/relay-password');
const SUBMISSIONS = 465;

/** In brackets: no MX is asked for. */
const nexthop = ({ host, port }: Relay): string => `[${host}]:${port}`;

/** Null: as with anybody else. With TLS from the start smtp(8) does not connect at a level that leaves it open whether there is TLS. */
const level = ({ login, port }: Relay): 'secure' | 'encrypt' | null => {
  if (login !== null) return 'secure';
  return port === SUBMISSIONS ? 'encrypt' : null;
};

/** To stand before the operator's policies: their rows are for domains of recipients. */
export const relayTlsPolicy = ({ settings: { outgoing } }: Pick<RenderInput, 'settings'>): readonly string[] => {
  const policy = outgoing.relay === null ? null : level(outgoing.relay);
  return outgoing.relay === null || policy === null ? [] : [`inline:{{${nexthop(outgoing.relay)} = ${policy}}}`];
};

export const relay = ({ settings: { outgoing } }: RenderInput): readonly Row[] => {
  if (outgoing.relay === null) return [];
  const login: readonly Row[] = [
    { set: 'smtp_sasl_auth_enable', to: true },
    { set: 'smtp_sasl_password_maps', to: `texthash:${FILE}` },
    {
      set: 'smtp_sasl_tls_verified_security_options',
      to: ['noanonymous'],
      why: 'PLAIN and LOGIN are fine under TLS with whom the certificate names, and by default with nobody.',
    },
  ];
  return [
    { set: 'relayhost', to: nexthop(outgoing.relay) },
    ...(outgoing.relay.port === SUBMISSIONS ? [{ set: 'smtp_tls_wrappermode', to: true }] : []),
    ...(outgoing.relay.login === null ? [] : login),
  ];
};

/** Read by root when smtp(8) starts, before it is chrooted. */
export const relayItems = ({ settings: { outgoing } }: RenderInput): readonly Item[] =>
  outgoing.relay === null || outgoing.relay.login === null
    ? []
    : [
        {
          kind: 'file',
          path: FILE,
          text: [`${nexthop(outgoing.relay)} ${outgoing.relay.login.user}:`, RELAY_PASSWORD, '\n'],
          owner: 'root:root',
          mode: 0o600,
          wakes: [{ service: 'postfix', by: 'reload' }],
        },
      ];
