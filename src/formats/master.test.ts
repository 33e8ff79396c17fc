import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header } from './text.ts';
import { type MasterService, renderMasterCf } from './master.ts';
import { ref } from './types.ts';

const masterCf = (...rows: MasterService[]): string => renderMasterCf(rows, '3.7.11').join('').slice(header().length);

test('master.cf: columns, options, arguments, reasons', () => {
  const submission: MasterService = {
    service: 'submission',
    type: 'inet',
    private: false,
    chroot: true,
    command: 'smtpd',
    why: 'for clients',
    options: [
      { set: 'syslog_name', to: 'postfix/submission', why: 'own name' },
      { set: 'a', to: 'b c$' },
      { set: 'e', to: '' },
      { set: 'l', to: ['x', ref('y')] },
      { set: 'new', to: 1, from: '3.8' },
    ],
  };
  assert.equal(
    masterCf(submission),
    '# for clients\n# syslog_name: own name\nsubmission inet  n - y - - smtpd\n  -o syslog_name=postfix/submission\n  -o { a = b c$$ }\n  -o e=\n  -o { l = x, $y }\n',
  );
  assert.equal(
    masterCf({ service: 'tlsmgr', type: 'unix', unpriv: false, wakeup: '1000?', maxproc: 1, command: ['pipe', 'flags=F', 'argv=a b'] }),
    'tlsmgr     unix  - n - 1000? 1 pipe\n  flags=F { argv=a b }\n',
  );
});

test('master.cf: refusals', () => {
  assert.throws(() => masterCf({ service: 'a', type: 'unix', command: 'x', options: [{ set: 'o', to: 'a } b' }] }), { code: 'format.cannot-hold' });
  assert.throws(() => masterCf({ service: 'a', type: 'unix', command: ['x', ''] }), { code: 'format.cannot-hold' });
  assert.throws(() => masterCf({ service: 'a', type: 'unix', command: 'x' }, { service: 'a', type: 'unix', command: 'y' }), /a\/unix twice/);
  assert.equal(masterCf({ service: 'a', type: 'unix', command: 'x' }, { service: 'a', type: 'inet', command: 'y' }).split('\n').length, 3);
});
