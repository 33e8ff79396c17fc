import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { type MasterService, renderMasterCf } from './master.ts';
import { renderMainCf } from './postfix.ts';
import { comparePostfix } from './postfix-dump.lab.ts';
import { ref, type Row, template } from './types.ts';

const PARAMETERS: readonly Row[] = [
  { set: 'compatibility_level', to: '3.6' },
  { set: 'myorigin', to: ref('myhostname') },
  { set: 'mydestination', to: '' },
  { set: 'smtpd_banner', to: template`${ref('myhostname')} 5$ an  hour` },
  { set: 'message_size_limit', to: 52_428_800 },
  { set: 'biff', to: false },
  {
    set: 'postscreen_dnsbl_sites',
    to: [
      'zen.spamhaus.org=127.0.0.[2..11]*3',
      'bl.mailspike.net=127.0.0.[10..12]*2',
      'bl.spamcop.net=127.0.0.2*1',
      'list.dnswl.org=127.0.[0..255].[1..3]*-3',
    ],
  },
  { set: 'mua_client_restrictions', to: ['permit_sasl_authenticated', 'check_policy_service { unix:private/x, timeout=5s }', 'reject'] },
];
const SERVICES: readonly MasterService[] = [
  {
    service: 'submission',
    type: 'inet',
    private: false,
    chroot: true,
    command: 'smtpd',
    options: [
      { set: 'syslog_name', to: 'postfix/submission' },
      { set: 'smtpd_client_restrictions', to: ref('mua_client_restrictions') },
      { set: 'smtpd_helo_restrictions', to: '' },
      { set: 'smtpd_banner', to: 'two  words $' },
    ],
  },
  { service: 'tlsmgr', type: 'unix', chroot: true, wakeup: '1000?', maxproc: 1, command: 'tlsmgr' },
  { service: 'learn', type: 'unix', unpriv: false, chroot: false, command: ['pipe', 'flags=F', 'user=nobody', 'argv=/bin/x {a b}'] },
];

for (const release of ['bookworm', 'trixie'] as const) {
  test(`comparePostfix agrees with itself, and sees what is misread, on ${release}`, async () => {
    await using room = await checker(release);
    const dumped = async (main: string, master: string): Promise<ReturnType<typeof comparePostfix>> => {
      await room.put({ '/etc/postfix/main.cf': main, '/etc/postfix/master.cf': master });
      const ask = (option: string): ReturnType<typeof room.run> => room.run(['postconf', option]);
      const [parameters, services, options] = [await ask('-n'), await ask('-M'), await ask('-P')];
      const complaints = parameters.stderr + services.stderr + options.stderr;
      return comparePostfix(PARAMETERS, SERVICES, '3.7', {
        parameters: parameters.stdout,
        services: services.stdout,
        options: options.stdout,
        complaints,
      });
    };
    const [main, master] = [renderMainCf(PARAMETERS, '3.7').join(''), renderMasterCf(SERVICES, '3.7').join('')];
    assert.deepEqual(await dumped(main, master), []);
    const keys = async (changedMain: string, changedMaster: string): Promise<readonly string[]> => [
      ...new Set((await dumped(changedMain, changedMaster)).map((each) => each.key)),
    ];
    const misread = main.replace('biff = no', 'bif = no').replace('52428800', '52428801').replace('5$$ an', '5 an');
    assert.deepEqual(await keys(`${misread}relayhost = [x]\n`, master), ['smtpd_banner', 'message_size_limit', 'biff', 'relayhost', 'postconf']);
    const moved = master.replace('1000?', '1000').replace('two  words', 'two').replace('argv=/bin/x {a b}', 'argv=/bin/x {a c}');
    assert.deepEqual(await keys(main, `${moved}extra unix - - n - - smtp\n`), [
      'tlsmgr/unix',
      'learn/unix',
      'extra/unix',
      'submission/inet/smtpd_banner',
    ]);
  });
}
