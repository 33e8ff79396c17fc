/** What becomes of a message of which score. The scores themselves are the package's. */
import type { RenderInput } from '#model';
import type { ConfFile } from './conf-file.ts';

export const verdict: readonly ConfFile[] = [
  {
    name: 'actions.conf',
    section: ['actions'],
    rows: [
      { set: 'reject', to: 15, why: 'Refused at the end of DATA.' },
      { set: 'add_header', to: 6, why: 'X-Spam: Yes, filed in Spam.' },
      { set: 'greylist', to: 4, why: '"Try again later" to a client that was not seen before.' },
    ],
  },
  {
    name: 'neural.conf',
    section: ['neural'],
    rows: [{ set: 'enabled', to: false, why: 'It learns from the other rules; nobody could say why a message was marked.' }],
  },
];

const WHOLE = ['0.0.0.0', '::', '127.0.0.1', '::1'];

/** Where the server listens on addresses of its own only, the self-test comes from one of them; on loopback nobody is put off anyhow. */
export const greylisting = ({ settings: { network } }: RenderInput): readonly ConfFile[] => {
  const own = network.bind.filter((address) => !WHOLE.includes(address));
  return own.length === 0 ? [] : [{ name: 'greylist.conf', section: ['greylist'], rows: [{ set: 'whitelisted_ip', to: own }] }];
};
