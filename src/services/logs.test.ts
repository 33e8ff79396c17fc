import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redacted } from '#base';
import type { Codename, Facts } from '#machine';
import type { Vantage } from '#model';
import { SERVICES } from './index.ts';
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

const DEAF: Vantage = { now: () => new Date(0), talk: () => Promise.reject(new Error('nothing listens')) };

/** Of each daemon that does not answer the words in brackets of its remedies. */
const toldLogs = async (codename: Codename, init: Facts['init']): Promise<Readonly<Record<string, readonly string[]>>> => {
  const input = inputFor(codename, init);
  const each = SERVICES.map(async ({ name, probes }) => {
    // Some leave that to whoever runs them.
    const found = (await Promise.all(probes(input).map((probe) => probe.run(DEAF).catch(() => [])))).flat();
    return [name, [...new Set(found.map(({ remedy }) => /\((.*)\)/.exec(remedy)?.[1] ?? ''))]] as const;
  });
  return Object.fromEntries((await Promise.all(each)).filter(([, logs]) => logs.length > 0));
};

test('of a daemon that does not answer the remedy says where its log is read: with systemd by its unit, else in its file', async () => {
  const systemd = { nginx: ['journalctl -u nginx'], dovecot: ['journalctl -u dovecot'], rspamd: ['journalctl -u rspamd'] };
  const redis = ['journalctl -u redis-server'];
  assert.deepEqual(await toldLogs('bookworm', 'systemd'), { ...systemd, redis, postfix: ['journalctl -u postfix@-'] });
  assert.deepEqual(await toldLogs('trixie', 'systemd'), { ...systemd, redis, postfix: ['journalctl -u postfix'] });
  assert.deepEqual(
    await toldLogs('bookworm', 'runit'),
    Object.fromEntries(['redis', 'rspamd', 'dovecot', 'postfix', 'nginx'].map((name) => [name, [`/var/log/hauspost/${name}/current`]])),
  );
});
