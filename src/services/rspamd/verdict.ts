/** What becomes of a message of which score. The scores themselves are the package's. */
import type { ConfFile } from './conf-file.ts';

export const verdict: readonly ConfFile[] = [
  {
    name: 'actions.conf',
    section: ['actions'],
    rows: [
      { set: 'reject', to: 15, why: 'Refused at the end of DATA.' },
      { set: 'add_header', to: 6, why: 'X-Spam: Yes, filed in Spam.' },
      { set: 'greylist', to: 4, why: '"Try again later" to a client that was not seen before.' },
      { block: 'discard', rows: [{ set: 'flags', to: ['no_threshold'], why: 'For a rule alone (rspamd.local.lua): taken, and sent to nobody.' }] },
    ],
  },
  {
    name: 'neural.conf',
    section: ['neural'],
    rows: [{ set: 'enabled', to: false, why: 'It learns from the other rules; nobody could say why a message was marked.' }],
  },
];
