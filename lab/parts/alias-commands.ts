/** C11, C13: aliases are added, switched, listed and removed, on a machine that has none; none is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneDocument, refusedInput, type Server } from '../index.ts';
import { json, jsons, NOTHING, ok, orders, recipient, text } from '../people.ts';

const managed = (get: () => Server): void => {
  test('C11, C13: aliases: several destinations, outside ones, catch-all; listed and removed', async () => {
    const server = get();
    assert.match(await text(server, 'alias', 'list'), /^There is no alias yet; 'hauspost alias add /);
    const on = (address: string): unknown => ({ address, enabled: true });
    assert.deepEqual(await json(server, 'alias', 'add', 'Team@hauspost.test', 'demo@hauspost.test', 'Ext.Ern+x@outside.test'), {
      ...{ source: 'team@hauspost.test', destinations: [on('demo@hauspost.test'), on('Ext.Ern+x@outside.test')], warnings: [] },
    });
    const [more, all, list, shown] = await orders(
      server,
      ['alias', 'add', 'team@hauspost.test', 'x@bücher.test'],
      ['alias', 'add', '@hauspost.test', 'demo@hauspost.test'],
      ['alias', 'list', '--json'],
      ['alias', 'list', 'hauspost.test'],
    );
    assert.equal(more?.stdout, 'team@hauspost.test leads to demo@hauspost.test, Ext.Ern+x@outside.test, x@bücher.test.\n');
    assert.equal(all?.stdout, '@hauspost.test leads to demo@hauspost.test.\n');
    assert.equal(await recipient(server, 'whoever@hauspost.test'), 250);
    assert.deepEqual(oneDocument(list ?? NOTHING), [
      { source: '@hauspost.test', destinations: [on('demo@hauspost.test')] },
      { source: 'team@hauspost.test', destinations: [on('demo@hauspost.test'), on('Ext.Ern+x@outside.test'), on('x@xn--bcher-kva.test')] },
    ]);
    const line = 'team@hauspost.test  ->  demo@hauspost.test, Ext.Ern+x@outside.test, x@bücher.test\n';
    assert.equal(shown?.stdout, `@hauspost.test      ->  demo@hauspost.test\n${line}`);
    const off = await text(server, 'alias', 'set', 'team@hauspost.test', 'demo@hauspost.test', '--disabled');
    assert.equal(off, 'team@hauspost.test leads to demo@hauspost.test (off), Ext.Ern+x@outside.test, x@bücher.test.\n');
    const back = (await json(server, 'alias', 'set', 'team@hauspost.test', '--enabled')) as { destinations: unknown };
    assert.deepEqual(back.destinations, [on('demo@hauspost.test'), on('Ext.Ern+x@outside.test'), on('x@xn--bcher-kva.test')]);
    assert.equal(
      await text(server, 'alias', 'remove', 'team@hauspost.test', 'DEMO@hauspost.test', 'x@bücher.test'),
      'team@hauspost.test leads no longer to demo@hauspost.test, x@bücher.test, but to Ext.Ern+x@outside.test.\n',
    );
    const words = ['alias', 'remove', 'team@hauspost.test', 'Ext.Ern+x@outside.test', 'demo@hauspost.test'];
    refusedInput(await server.hauspost(words), { words, names: 'alias team@hauspost.test to demo@hauspost.test does not exist' });
    assert.deepEqual(await json(server, 'alias', 'remove', 'team@hauspost.test', 'Ext.Ern+x@outside.test'), {
      ...{ source: 'team@hauspost.test', destinations: [], removed: [on('Ext.Ern+x@outside.test')] },
    });
    await orders(server, ['alias', 'add', 'team@hauspost.test', 'demo@hauspost.test', 'bert@outside.test']);
    assert.equal(await text(server, 'alias', 'remove', 'team@hauspost.test'), 'The alias team@hauspost.test is removed.\n');
    const [counted, removed, left] = await jsons(server, ['domain', 'list'], ['alias', 'remove', '@hauspost.test'], ['alias', 'list']);
    assert.deepEqual(counted, [{ domain: 'hauspost.test', accounts: 1, aliases: 1 }]);
    assert.deepEqual(removed, { source: '@hauspost.test', destinations: [], removed: [on('demo@hauspost.test')] });
    assert.deepEqual(left, []);
    assert.equal(await recipient(server, 'whoever@hauspost.test'), 550);
  });
};

const warnedOf = (get: () => Server): void => {
  test('C11: an alias to nobody, to a send-only or a disabled account is allowed, with a warning on standard error', async () => {
    const server = get();
    await orders(server, ['account', 'add', 'robot@hauspost.test', '--send-only'], ['account', 'add', 'gone@hauspost.test', '--disabled']);
    const added = ok(
      await server.hauspost(['alias', 'add', 'three@hauspost.test', 'robot@hauspost.test', 'gone@hauspost.test', 'typo@hauspost.test']),
    );
    assert.equal(added.stdout, 'three@hauspost.test leads to robot@hauspost.test, gone@hauspost.test, typo@hauspost.test.\n');
    assert.match(added.stderr, /^warning: robot@hauspost\.test is a send-only account/m);
    assert.match(added.stderr, /^warning: gone@hauspost\.test is a disabled account/m);
    assert.match(added.stderr, /^warning: typo@hauspost\.test does not exist/m);
    const again = (await json(server, 'alias', 'add', 'four@hauspost.test', 'robot@hauspost.test')) as {
      warnings: { level: string; code: string }[];
    };
    assert.deepEqual(
      again.warnings.map(({ level, code }) => [level, code]),
      [['warning', 'alias.destination-send-only']],
    );
    await orders(
      server,
      ...['three', 'four'].map((alias) => ['alias', 'remove', `${alias}@hauspost.test`]),
      ...['robot', 'gone'].map((account) => ['account', 'remove', `${account}@hauspost.test`, '--yes']),
    );
  });
};

const leadNowhere = (get: () => Server): void => {
  test('doctor names enabled aliases whose destination is one of ours that does not exist, until it is there', async () => {
    const server = get();
    const told = async (): Promise<readonly string[]> => {
      const { findings } = (await json(server, 'doctor')) as { findings: { code: string; message: string }[] };
      return findings.flatMap(({ code, message }) => (code === 'alias.leads-nowhere' ? [message] : []));
    };
    const domain = 'nowhere.test';
    const lead = (source: string, ...to: readonly string[]): readonly string[] => ['alias', 'add', `${source}@${domain}`, ...to];
    await orders(
      server,
      ['domain', 'add', domain],
      ['account', 'add', `anna@${domain}`],
      ['account', 'add', `quiet@${domain}`, '--disabled'],
      lead('right', `anna+shop@${domain}`, `quiet@${domain}`, 'elsewhere@outside.test'),
      lead('anna', `anna@${domain}`),
      lead('onward', `right+x@${domain}`),
    );
    assert.deepEqual(await told(), []);
    await orders(server, lead('wrong', `anna@${domain}`, `typo+x@${domain}`), lead('off', `gone@${domain}`), [
      'alias',
      'set',
      `off@${domain}`,
      '--disabled',
    ]);
    // Where the host name is no mail domain its names are nobody's, but for those of the postmaster.
    const host = 'mail.hauspost.test';
    const [web, root] = (await jsons(server, lead('web', `www-data@${host}`), lead('root', `root@${host}`))) as { warnings: { code: string }[] }[];
    assert.deepEqual(
      [web, root].map((added) => added?.warnings.map(({ code }) => code)),
      [['alias.destination-of-host'], []],
    );
    assert.deepEqual(await Promise.all(['web', 'root'].map((name) => recipient(server, `${name}@${domain}`))), [550, 250]);
    const begins = 'aliases lead to addresses of ours that do not exist: ';
    assert.deepEqual(await told(), [`${begins}wrong@${domain} to typo+x@${domain}, web@${domain} to www-data@${host}`]);
    await orders(server, ['alias', 'add', `@${domain}`, 'elsewhere@outside.test'], ['alias', 'remove', `web@${domain}`]);
    assert.deepEqual(await told(), []);
    const self = `self@${domain}`;
    await orders(server, ['alias', 'remove', `@${domain}`], ['account', 'add', self], lead('self', self), lead('more', `a@${domain}`, `b@${domain}`));
    await orders(server, ['account', 'remove', self, '--yes']);
    const [message = '', ...others] = await told();
    assert.ok(others.length === 0 && message.startsWith(begins) && message.endsWith(' and more'), message);
    const dead = ['wrong typo+x', 'self self', 'more a', 'more b'].map((step) => step.replace(/(\S+) (\S+)/, `$1@${domain} to $2@${domain}`));
    const named = message.slice(begins.length, -' and more'.length).split(', ');
    assert.deepEqual([named.length, named.filter((each) => !dead.includes(each))], [3, []]);
    await orders(server, ['domain', 'remove', domain, '--with-everything', '--yes']);
  });
};

export const aliasCommands = (get: () => Server): void => {
  managed(get);
  warnedOf(get);
  leadNowhere(get);
};
