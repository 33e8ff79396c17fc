/** Limits of a scan, and where Rspamd asks for names. Nothing here trusts a network: a client on loopback is a stranger like any other. */
import type { RenderInput } from '#model';
import type { ConfFile } from './conf-file.ts';

const MEBIBYTE = 1024 * 1024;
/** What is not done by then is put off. A message of 50 MB is scanned in a few seconds; on a slow machine, or a busy one, it must not be put off for ever. */
export const SCAN_SECONDS = 30;
/** The proxy goes by SCAN_SECONDS; by this it waits, twice, for scans under way when it is to end (3.12.1). */
const TASK_SECONDS = 8;

/** `address:port:weight`, IPv6 in brackets. */
const nameserver = ({ address, port }: RenderInput['wiring']['resolver']): string => `${address.includes(':') ? `[${address}]` : address}:${port}:10`;

const WHOLE = ['0.0.0.0', '::', '127.0.0.1', '::1'];

/** The machine itself, from where the self-test comes: loopback, and where it listens on addresses of its own alone, these. */
const itself = ({ settings: { network } }: Pick<RenderInput, 'settings'>): readonly string[] => [
  '127.0.0.0/8',
  '::1',
  ...network.bind.filter((address) => !WHOLE.includes(address)),
];

export const options = ({ settings, wiring }: RenderInput): ConfFile => ({
  name: 'options.inc',
  section: ['options'],
  rows: [
    {
      set: 'local_addrs',
      to: itself({ settings }),
      why: 'Not the private networks that the package lists. (Loopback is local by the program itself.)',
    },
    {
      block: 'dns',
      rows: [
        { set: 'nameserver', to: [nameserver(wiring.resolver)] },
        { set: 'timeout', to: 1, why: 'Seconds for one attempt; with the retransmissions a dead resolver costs a rule 3 s.' },
        { set: 'retransmits', to: 2 },
        { set: 'sockets', to: 16 },
      ],
    },
    { set: 'max_message', to: (settings.mail.messageSizeLimit + 1) * MEBIBYTE, why: 'The limit of Postfix and room for the header that it adds.' },
    { set: 'task_timeout', to: TASK_SECONDS },
    { set: 'soft_reject_on_timeout', to: true, why: 'Otherwise a half-scanned message passes.' },
    { set: 'gtube_patterns', to: 'reject', from: '3.8', why: 'GTUBE itself, not the patterns that ask for a milder action.' },
  ],
});
