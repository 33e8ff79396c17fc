/** What every daemon of our own has on a machine of either kind, for the tests of each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '#model';
import { inputFor } from './test-input.lab.ts';
import { unitItems } from './units.ts';

/** Text by path. */
export const filesOf = (service: Service, init: 'systemd' | 'runit'): Readonly<Record<string, string>> => {
  const input = inputFor('trixie', init);
  const items = [...service.items(input), ...unitItems(service, [], input)];
  return Object.fromEntries(items.flatMap((item) => (item.kind === 'file' ? [[item.path, item.text.join('')]] : [])));
};

/** `wanted`: the drop-in that starts it at boot. */
export const testOwnUnit = (service: Service, { description, wanted }: { readonly description: string; readonly wanted: string }): void => {
  const { name } = service;
  test('systemd: a unit, and a drop-in that starts it at boot', () => {
    const files = filesOf(service, 'systemd');
    const body = (file: string): string => (files[`/etc/systemd/system/${file}`] ?? '').replace(/^#.*\n/gm, '');
    assert.equal(
      body(`hauspost-${name}.service`),
      `[Unit]\nDescription=${description}\n\n[Service]\nType=exec\nExecStart=/usr/local/lib/hauspost/${name}\nRestart=always\nRestartSec=10\n`,
    );
    assert.equal(body(`multi-user.target.d/${wanted}`), `[Unit]\nWants=hauspost-${name}.service\n`);
  });

  test('runit: a run script, and no unit', () => {
    const files = filesOf(service, 'runit');
    assert.match(files[`/etc/hauspost/runit/${name}/run`] ?? '', new RegExp(`\nexec /usr/local/lib/hauspost/${name}\n$`));
    assert.deepEqual(
      Object.keys(files).filter((file) => file.includes('systemd')),
      [],
    );
  });
};
