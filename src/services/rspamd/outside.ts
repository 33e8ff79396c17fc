/**
 * Services of the internet that Rspamd asks about a message: block lists, fuzzy hashes, networks. In profile `local` no mail comes
 * from outside and nobody is asked. In profile `public` the package's choice stands: all are asked over DNS with options.ts's time
 * limits, in parallel, and fuzzy_check over UDP with one of 2 s; a list that does not answer is left out by Rspamd itself.
 */
import type { RenderInput } from '#model';
import type { ConfFile } from './conf-file.ts';

const off = (name: string): ConfFile => ({ name: `${name}.conf`, section: [name], rows: [{ set: 'enabled', to: false }] });

const LOCAL: readonly ConfFile[] = [
  off('rbl'),
  off('asn'),
  off('fuzzy_check'),
  {
    name: 'phishing.conf',
    section: ['phishing'],
    rows: [
      { set: 'phishtank_enabled', to: false },
      { set: 'openphish_enabled', to: false },
    ],
  },
];

export const outside = ({ settings }: RenderInput): readonly ConfFile[] => (settings.profile === 'local' ? LOCAL : []);
