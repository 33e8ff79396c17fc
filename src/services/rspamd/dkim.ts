/**
 * DKIM signatures (RFC 6376): mail of logins, with the key of the domain in From, and nothing else. No network is trusted to be
 * signed for: `sign_networks` stays unset (files.ts removes the packaged file that sets it). The From domain need not be the
 * login's: a login may send as an alias in another domain, and from-rule.ts has proved that From is the envelope sender.
 */
import type { Item, RenderInput } from '#model';
import type { ConfFile } from './conf-file.ts';

/** Keys and the map of selectors come and go with the domains, without an apply: Rspamd watches the map and opens keys by name. */
export const dkimSigning = ({ wiring: { places } }: RenderInput): ConfFile => ({
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
    { set: 'selector_map', to: `${places.dkim}/selectors.map` },
    { set: 'path', to: `${places.dkim}/$domain/$selector.key` },
  ],
});

/** What lies in it is the DKIM capability's. */
export const dkimItems = ({ wiring }: RenderInput): readonly Item[] => [
  { kind: 'dir', path: wiring.places.dkim, exclusive: false, owner: 'root:_rspamd', mode: 0o750 },
];
