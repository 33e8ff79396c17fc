/**
 * DKIM signatures (RFC 6376): mail of logins, with the key of the domain in From, and nothing else. No network is trusted to be
 * signed for; `sign_networks` stays unset because an empty list is read as the address 127.2.4.7. The From domain need not be the
 * login's: a login may send as an alias in another domain, and from-rule.ts has proved that From is the envelope sender.
 */
import { type AbsPath, bug, path, type Text } from '#base';
import type { Item, RenderInput } from '#model';
import type { ConfFile } from './conf-file.ts';

const SELECTORS = path('/etc/rspamd/maps.d/hauspost-dkim-selectors.map');
const KEYS = path('/etc/rspamd/maps.d/hauspost-dkim-keys.map');

export const dkimSigning: ConfFile = {
  name: 'dkim_signing.conf',
  section: ['dkim_signing'],
  rows: [
    { set: 'enabled', to: true },
    { set: 'sign_authenticated', to: true },
    { set: 'sign_local', to: false },
    { set: 'sign_inbound', to: false },
    { set: 'use_domain', to: 'header' },
    { set: 'use_esld', to: false, why: 'The domain itself, not the one that is registered above it.' },
    { set: 'try_fallback', to: false },
    { set: 'allow_hdrfrom_mismatch', to: false },
    { set: 'allow_hdrfrom_multiple', to: false },
    { set: 'allow_username_mismatch', to: true, why: 'A login may send as an alias in another domain; Postfix and the From rule decide who may.' },
    { set: 'allow_envfrom_empty', to: true, why: 'Read receipts; the From rule allows only From = login there.' },
    { set: 'check_pubkey', to: false, why: 'A key that is not published yet must not depend on DNS answering.' },
    { set: 'selector_map', to: SELECTORS },
    { set: 'path_map', to: KEYS },
  ],
};

/** `domain value` lines; blanks separate, so neither may hold one. */
const map = (file: AbsPath, lines: readonly (readonly [string, string])[]): Item => {
  for (const [domain, value] of lines) if (/[\s#"]/.test(`${domain}${value}`)) throw bug(`not a line of a map: ${domain} ${value}`);
  const text: Text = ['# Written by Hauspost and overwritten by it.\n', ...lines.map(([domain, value]) => `${domain} ${value}\n`)];
  // Rspamd watches its maps (every 30 s); the reload only makes a new key count at once.
  return { kind: 'file', path: file, text, owner: 'root:root', mode: 0o644, wakes: [{ service: 'rspamd', by: 'reload' }] };
};

/** The newest key of a domain is the last one listed; one domain signs with one selector. */
export const dkimItems = ({ facts, wiring }: RenderInput): readonly Item[] => {
  const keys = [...new Map(facts.dkimKeys.map((key) => [key.domain, key])).values()].sort((a, b) => (a.domain < b.domain ? -1 : 1));
  return [
    { kind: 'dir', path: wiring.places.dkim, exclusive: false, owner: 'root:_rspamd', mode: 0o750 },
    map(
      SELECTORS,
      keys.map(({ domain, selector }) => [domain, selector]),
    ),
    map(
      KEYS,
      keys.map(({ domain, path: file }) => [domain, file]),
    ),
  ];
};
