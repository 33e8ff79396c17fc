/** What is made from the declarations: the example file, explanations, docs/options.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HauspostError } from '#base';
import { exampleConfig, explain, optionsMarkdown, parseConfig } from './index.ts';
import { SECTIONS } from './sections.ts';

const LOCAL = '[server]\nprofile = "local"\n';
const options = Object.values(SECTIONS).flatMap((section) => Object.values(section.options).map((option) => ({ section: section.name, option })));

test('the example file means the defaults, as it stands and with every default uncommented', () => {
  const defaults = parseConfig(LOCAL, 'hauspost.toml');
  assert.ok(defaults.ok);
  const example = exampleConfig();
  assert.deepEqual(parseConfig(example, 'hauspost.toml'), defaults);
  const without = options.filter(({ option }) => option.default.is === 'none').map(({ option }) => `|${option.key} =`);
  const uncommented = example.replace(new RegExp(`^#(?! ${without.join('')})`, 'gm'), '');
  assert.notEqual(uncommented, example);
  assert.deepEqual(parseConfig(uncommented, 'hauspost.toml'), defaults);
});

test('the example file has every option once', () => {
  const lines = exampleConfig().split('\n');
  for (const { option } of options) {
    const found = lines.filter((line) => new RegExp(`^#?${option.key} = `).test(line));
    assert.equal(found.length, 1, option.key);
  }
  assert.ok(lines.every((line) => line.length <= 102));
});

test('every example is a value that the option takes', () => {
  for (const { section, option } of options) {
    assert.ok(option.kind.schema.safeParse(option.example).success, `${section}.${option.key}`);
    if (option.default.is === 'fixed') assert.ok(option.kind.schema.safeParse(option.default.value).success, `${section}.${option.key}`);
  }
});

test('an option is explained as data', () => {
  assert.deepEqual(explain('mail.default_quota'), {
    what: 'option',
    key: 'mail.default_quota',
    type: 'a size, in quotes',
    allowed: 'a size from "1M" to "1024T", in M, G or T, or "0" for unlimited',
    required: false,
    default: '"1G"',
    doc: 'How much mail an account may hold that has no quota of its own.',
    why: 'One forgotten mailbox must not fill the disk for everybody.',
    example: 'default_quota = "5G"',
    since: '0.1',
  });
  const section = explain('tls');
  assert.deepEqual(
    section.what === 'section' && section.options.map(({ key }) => key),
    ['source', 'key', 'chain', 'directory', 'email', 'challenge', 'key_type'].map((key) => `tls.${key}`),
  );
});

test('an unknown name is refused with the nearest one', () => {
  const remedy = (key: string): string => {
    try {
      explain(key);
    } catch (error) {
      if (error instanceof HauspostError && error.code === 'config.unknown-key' && error.exitCode === 3) return error.remedy;
      throw error;
    }
    return assert.fail(`${key} was explained`);
  };
  assert.equal(remedy('mail.defalt_quota'), 'Ask for mail.default_quota.');
  assert.equal(remedy('message_size_limit'), 'Ask for mail.message_size_limit.');
  assert.equal(remedy('mial'), 'Ask for mail.');
  assert.equal(remedy('mail.quota'), 'Ask for mail.default_quota.');
  assert.equal(remedy('mail.zzz'), 'Ask for mail.', 'where no option is near, its section');
  assert.equal(remedy('zzz'), 'Sections: server, network, tls, dns, dkim, resolver, incoming, outgoing, logins, mail, filters, logs, web_ui.');
  assert.equal(remedy('__proto__'), 'Sections: server, network, tls, dns, dkim, resolver, incoming, outgoing, logins, mail, filters, logs, web_ui.');
});

test('docs/options.md is what the declarations say (npm run docs makes it anew)', () => {
  assert.equal(readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8'), optionsMarkdown());
});
