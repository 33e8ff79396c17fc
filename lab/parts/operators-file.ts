/** The operator's file where it is wrong, or gone: what is in place stays, and is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesDigest, oneDocument, type Server } from '../index.ts';
import { announcedSize, configure, exits, generations } from '../operator.ts';

export const fileWrong = (get: () => Server): void => {
  test('exit 3: a configuration that is wrong stops every command that needs it, and every mistake is told', async () => {
    const server = get();
    await configure(server, 'colour = "blue"\n[mail]\ndefault_quota = "lots"\n');
    const before = await filesDigest(server.machine);
    for (const words of [['plan'], ['apply', '--yes'], ['up', '--yes'], ['config', 'check']]) {
      const { stdout, stderr } = await exits(server, 3, ...words);
      assert.equal(stdout, '');
      assert.match(
        stderr,
        /^\/etc\/hauspost\/hauspost\.toml:3:\d+: .*server\.colour.*\n {2}\S.*\n\/etc\/hauspost\/hauspost\.toml:5:\d+: .*mail\.default_quota.*\n {2}\S.*\nhauspost: 2 mistakes\n$/,
      );
    }
    const status = await server.hauspost(['status', '--json']);
    const { services } = oneDocument(status) as { services: { state: string }[] };
    assert.deepEqual([status.code, services.length, services.every(({ state }) => state === 'running')], [0, 9, true]);
    const cannot = /^Attention: \/etc\/hauspost\/hauspost\.toml cannot be used \(.*\), so generation \d+ counts, which is in place\.$/m;
    assert.match((await exits(server, 0, 'status')).stdout, cannot);
    assert.match(
      (await exits(server, 0, 'selftest')).stderr,
      /^warning: .*hauspost\.toml cannot be used .*\n +'hauspost config check' says what is wrong/m,
    );
    await configure(server, '[network]\nbind = ["198.51.100.77"]\n');
    assert.match((await exits(server, 3, 'plan')).stderr, /network\.bind names 198\.51\.100\.77, which this machine does not have/);
    await configure(server, '');
    assert.notEqual(await filesDigest(server.machine), before);
    await exits(server, 0, 'plan');
  });
};

export const fileGone = (get: () => Server): void => {
  test('exit 3: without the file nothing is guessed; up puts back the one that is in place, to the letter', async () => {
    const server = get();
    const FILE = '/etc/hauspost/hauspost.toml';
    const text = async (): Promise<string> => (await server.machine.run(['cat', FILE])).stdout;
    await configure(server, '# ours\n[mail]\nmessage_size_limit = "33M"   # scans\n');
    await exits(server, 0, 'apply', '--yes');
    const [written, number] = [await text(), Math.max(...(await generations(server)))];
    await server.machine.run(['rm', FILE]);
    const before = await filesDigest(server.machine);
    const remedy = `Run 'hauspost up', which puts back the one that generation ${number}, now in place, was made from.`;
    for (const words of [['plan'], ['apply', '--yes']])
      assert.equal((await exits(server, 3, ...words)).stderr, `hauspost: ${FILE} does not exist\n  ${remedy}\n`);
    const other = ['--hostname', 'mail.example.org', '--domain', 'example.org'];
    assert.match((await exits(server, 3, 'up', ...other, '--yes')).stderr, /--hostname mail\.example\.org \(this server is mail\.hauspost\.test\)/);
    assert.match(
      (await exits(server, 0, 'status')).stdout,
      /does not exist\), so generation \d+ counts, which is in place\.\n {2}Run 'hauspost up', which/,
    );
    assert.equal(await filesDigest(server.machine), before);
    await exits(server, 0, 'down');
    const up = await exits(server, 0, 'up');
    assert.match(up.stderr, /hauspost\.toml was gone; the one that the configuration in place was made from is back/);
    assert.equal(await text(), written);
    assert.equal(await announcedSize(server), 'SIZE 34603008');
    assert.equal(Math.max(...(await generations(server))), number);
    await server.machine.run(['truncate', '-s', '0', FILE]);
    assert.match(
      (await exits(server, 3, 'up', '--yes')).stderr,
      /the file is empty\n {2}Run hauspost config example .*, or remove this one and run hauspost up\./,
    );
    await configure(server, '');
    await exits(server, 0, 'apply', '--yes');
  });
};
