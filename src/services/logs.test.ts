import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redacted } from '#base';
import { logItems } from './logs.ts';
import { inputFor } from './test-input.lab.ts';

const CONFIG = '[server]\nprofile = "local"\n[logs]\nretention = "14d"\n';

const texts = (init: 'systemd' | 'runit'): ReadonlyMap<string, string> =>
  new Map(logItems(inputFor('bookworm', init, CONFIG)).flatMap((item) => (item.kind === 'file' ? [[item.path, redacted(item.text)]] : [])));

test('M28: as long as the operator says, with systemd by journald, else by the svlogd of each daemon', () => {
  assert.deepEqual([...texts('systemd').keys()], ['/etc/systemd/journald.conf.d/hauspost.conf']);
  assert.match([...texts('systemd').values()].join(), /^\[Journal\]\nMaxRetentionSec=14day\nMaxFileSec=1day\n$/m);
  assert.equal(texts('runit').size, 9);
  assert.equal(texts('runit').get('/var/log/hauspost/dovecot/config'), 's0\nt86400\nn14\n');
  assert.equal(
    texts('runit').get('/var/log/hauspost/postfix/config'),
    's0\nt86400\nn14\n-*]: improper command pipelining after *\n-*]: warning: non-SMTP command from *\n',
  );
});
