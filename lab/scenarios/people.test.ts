/** C9, C10, C11, C13: domains, accounts and aliases are added, listed and removed; nobody inherits mail, and open sessions end with their account. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atTerminal, fetched, oneDocument, refusedInput, runMany, type Server, unchanged } from '../index.ts';
import { canLogIn, deliver, json, jsons, messages, NOTHING, ok, orders, recipient, text } from '../people.ts';
import { changedMeanwhile } from '../parts/changed-meanwhile.ts';
import { leftBehind } from '../parts/left-behind.ts';
import { otherScripts } from '../parts/other-scripts.ts';
import { removals } from '../parts/removals.ts';
import { openSessions } from '../parts/sessions.ts';
import { onEachRelease } from '../scenario.ts';

const CTRL_D = '\u0004';
/**
 * Of the password `hashed elsewhere`, by libxcrypt (BLF-CRYPT with each of its prefixes, SHA512-CRYPT, SHA256-CRYPT), the reference
 * implementation of Argon2 with one lane and several, and Python's hashlib (the others, with short and long salts).
 */
const HASHES = [
  '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c2l4dGVlbiBvZiBzYWx0IQ$+290R27QyKZlYwFhzZBpP9p1ROYPapOuJPtVEW4EHzc',
  '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=4$c2l4dGVlbiBvZiBzYWx0IQ$xT4VdIOpo+U7x69xLgz93YXrJqyf73ez0bKA/fdFO+c',
  '{ARGON2I}$argon2i$v=19$m=8192,t=3,p=1$c2l4dGVlbiBvZiBzYWx0IQ$Ijjb+yx/qtkqrNXLF4kvnqlwZqBKi51ew3sc1VDxel0',
  '{ARGON2I}$argon2i$v=19$m=4096,t=3,p=2$c2l4dGVlbiBvZiBzYWx0IQ$O71t/sATpvIm1bc0P92OzYsiG6UogUT0q9+bI0dYDLU',
  '{blf-crypt}$2a$05$abcdefghijklmnopqrstuu0e5NthahM/d5c7fDmj8zgSI59QIUObS',
  '{BLF-CRYPT}$2b$05$abcdefghijklmnopqrstuu0e5NthahM/d5c7fDmj8zgSI59QIUObS',
  '{BLF-CRYPT}$2x$05$abcdefghijklmnopqrstuu0e5NthahM/d5c7fDmj8zgSI59QIUObS',
  '{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuu0e5NthahM/d5c7fDmj8zgSI59QIUObS',
  '{SHA512-CRYPT}$6$sixteenofsalt..x$0Yz1ItyuDGX59IvDv.e6DzQGQ02hpcPX2EL1X/6wd7nvo4HkZgHwTlgNDYCCKPqyuIELSUrWRnfbjgFmPptkJ/',
  '{SHA512-CRYPT}$6$rounds=1000$s$/icBqi88Rk0U7qX4hzhASAZnZ1w2jYIvrGzDf/fS4GXTS3l6G9D2CQMGRt4pTnOY2dfoofkheRxySesxxarCM0',
  '{SHA256-CRYPT}$5$sixteenofsalt..x$x.u4CbK7sEK9uog16c77XDvVX6YW9PqaLK89RsDTtF4',
  '{SHA256-CRYPT}$5$rounds=1000$s$rvdQJ0b2nXRwGGbTaS.QjOGx7p6LJRzG0NRdWnjzwA4',
  '{PBKDF2}$1$sixteen-of-salt!$5000$52238bf9cb72f9a6361fbcac14ea26a257c70764',
  '{SSHA512}j8UEdjSj+cU0F0s1ronDDrzoLbpBwu7NWTzL35XcJx/uUiyCUjlf7XZ8FAj1RO9uE1IzPvnSULGQDzQ2GC8UTXNhbHQ=',
  '{SSHA512}xtBM5s4Jk4bxHEKTUXBBT9PFSoZUWOl5vSUA4zNeSIojRNKzJg1CjfMkhvpgZgH5iASgb6RGLTha8ELJ5+mdEHNpeHRlZW4gb2Ygc2FsdCE=',
  '{SSHA256}0F5eSUNp/dQmt0yZURP8y6N0SeACJssCPZo8z4v2K59zYWx0',
  '{SSHA256}UONOqZanSQyP9OvUXLkQqlTg671POdkBuBWe9GcI8DhzaXh0ZWVuIG9mIHNhbHQh',
  '{SCRAM-SHA-256}4096,c2l4dGVlbiBvZiBzYWx0IQ==,Zz6iUxOveE8eQqVfyYspHJFFLzPnkj6L+8OAnNcbfJ0=,yjTuN2ozR4Uyjx96ip+Z1MdryNjO5Az2BUWGGSjZLDE=',
];

const domains = (get: () => Server): void => {
  test('C9, C13: a domain is added, listed, removed', async () => {
    const server = get();
    assert.equal(await text(server, 'domain', 'list'), 'DOMAIN         ACCOUNTS  ALIASES\nhauspost.test  1         0\n');
    assert.deepEqual(await json(server, 'domain', 'add', 'Second.TEST'), { domain: 'second.test', warnings: [] });
    const [added, list, shown, ...removed] = await orders(
      server,
      ['domain', 'add', 'bücher.test'],
      ['domain', 'list', '--json'],
      ['domain', 'list'],
      ['domain', 'remove', 'xn--bcher-kva.test'],
      ['domain', 'remove', 'second.test'],
    );
    assert.match(added?.stdout ?? '', /^bücher\.test added\. 'hauspost account add NAME@bücher\.test' .*\n$/);
    assert.deepEqual(oneDocument(list ?? NOTHING), [
      { domain: 'hauspost.test', accounts: 1, aliases: 0 },
      { domain: 'second.test', accounts: 0, aliases: 0 },
      { domain: 'xn--bcher-kva.test', accounts: 0, aliases: 0 },
    ]);
    assert.equal(
      shown?.stdout,
      'DOMAIN         ACCOUNTS  ALIASES\nhauspost.test  1         0\nsecond.test    0         0\nbücher.test    0         0\n',
    );
    assert.match(removed.map(({ stdout }) => stdout).join(''), /^bücher\.test removed\. Its DKIM keys stay.*\nsecond\.test removed\. .*\n$/);
    assert.deepEqual(await json(server, 'domain', 'list'), [{ domain: 'hauspost.test', accounts: 1, aliases: 0 }]);
  });

  test('C9: a domain in use stays, and what uses it is named; with everything, it asks, and nobody inherits the mail', async () => {
    const server = get();
    const anna = { user: 'anna@shop.test', pass: 'a first password' };
    await orders(server, ['domain', 'add', 'shop.test']);
    await server.account(anna);
    await orders(
      server,
      ['alias', 'add', 'info@shop.test', 'demo@hauspost.test'],
      ['alias', 'add', '@shop.test', 'anna@shop.test'],
      ['alias', 'add', 'shop@hauspost.test', 'anna@shop.test', 'demo@hauspost.test'],
    );
    await deliver(server, anna, 'before@shop.test');
    const words = ['domain', 'remove', 'shop.test', '--with-everything'];
    await unchanged(server.machine, async () => {
      refusedInput(await server.hauspost(['domain', 'remove', 'shop.test']), {
        words,
        names: '1 account (anna@shop.test); 2 aliases (@shop.test, info@shop.test)',
      });
      refusedInput(await server.hauspost(words), { words, names: 'Remove shop.test with all of that?' });
      for (const answer of ['yes please\n', CTRL_D]) {
        const asked = await atTerminal(server.machine, words, '[y/N] ', answer);
        assert.equal(asked.code, 3, asked.stdout);
        for (const named of ['account anna@shop.test', 'alias info@shop.test', 'alias @shop.test', 'alias shop@hauspost.test -> anna@shop.test'])
          assert.ok(asked.stdout.includes(`  ${named}\r\n`), `${named} in ${asked.stdout}`);
      }
    });
    const removed = await atTerminal(server.machine, words, '[y/N] ', 'y\n');
    assert.equal(removed.code, 0, removed.stdout);
    const kept = /its mail is kept in (\/var\/vmail\/removed\/\S+)\. /.exec(removed.stdout)?.[1] ?? '';
    assert.match((await server.machine.run(['grep', '-rl', 'before@shop.test', kept])).stdout, /\/mailboxes\/anna\//);
    assert.match(await text(server, 'alias', 'list'), /^shop@hauspost\.test +-> +demo@hauspost\.test\n$/);
    await orders(server, ['domain', 'add', 'shop.test']);
    await server.account({ ...anna, pass: 'a second password' });
    assert.equal(await messages(server, { ...anna, pass: 'a second password' }), 0, 'the successor starts with nothing');
    const gone = (await json(server, ...words, '--yes')) as { accounts: unknown; moved_to: string };
    assert.deepEqual(gone.accounts, { count: 1, first: ['anna@shop.test'] });
    await server.order('alias', 'remove', 'shop@hauspost.test');
  });
};

const pointedAt = (get: () => Server): void => {
  test('C9: a domain into which only an alias of another leads stays, and that alias is named', async () => {
    const server = get();
    await orders(server, ['domain', 'add', 'lonely.test'], ['alias', 'add', 'away@hauspost.test', 'x@lonely.test', 'demo@hauspost.test']);
    const words = ['domain', 'remove', 'lonely.test'];
    await unchanged(server.machine, async () => {
      refusedInput(await server.hauspost(words), { words, names: 'in use: 1 alias that leads into it (away@hauspost.test -> x@lonely.test)' });
      const { code, stdout } = await server.hauspost([...words, '--json']);
      const { error } = oneDocument({ stdout }) as { error: { accounts: unknown; aliases: unknown; pointing: unknown } };
      const none = { count: 0, first: [] };
      assert.deepEqual(
        [code, error.accounts, error.aliases, error.pointing],
        [3, none, none, { count: 1, first: ['away@hauspost.test -> x@lonely.test'] }],
      );
    });
    await orders(server, ['alias', 'remove', 'away@hauspost.test', 'x@lonely.test'], words, ['alias', 'remove', 'away@hauspost.test']);
  });
};

const accounts = (get: () => Server): void => {
  test('C10, C13: an account is added with its options, and listed', async () => {
    const server = get();
    const plain = { quota_mb: null, enabled: true, send_only: false };
    const rows: readonly (readonly [readonly string[], object])[] = [
      [['Plain@Hauspost.test'], { address: 'plain@hauspost.test', ...plain }],
      [
        ['full@hauspost.test', '--quota', '2G', '--send-only', '--disabled'],
        { address: 'full@hauspost.test', quota_mb: 2048, enabled: false, send_only: true },
      ],
      [['endless@hauspost.test', '--quota=0'], { address: 'endless@hauspost.test', ...plain, quota_mb: 0 }],
    ];
    const added = await jsons(server, ...rows.map(([words]) => ['account', 'add', ...words]));
    assert.deepEqual(
      added,
      rows.map(([, account]) => ({ ...account, warnings: [] })),
    );
    const all = [{ address: 'demo@hauspost.test', ...plain }, rows[2]?.[1], rows[1]?.[1], rows[0]?.[1]];
    assert.deepEqual(await jsons(server, ['account', 'list'], ['account', 'list', 'HAUSPOST.test']), [all, all]);
    assert.equal(
      await text(server, 'account', 'list'),
      [
        'ADDRESS                QUOTA      STATE',
        'demo@hauspost.test     default    enabled',
        'endless@hauspost.test  unlimited  enabled',
        'full@hauspost.test     2048 MB    disabled, send-only',
        'plain@hauspost.test    default    enabled\n',
      ].join('\n'),
    );
    const names = ['plain', 'full', 'endless'].map((name) => `${name}@hauspost.test`);
    const removed = await orders(
      server,
      ...names.map((name) => ['account', 'remove', name, '--yes']),
      ['domain', 'add', 'empty.test'],
      ['account', 'list', 'empty.test'],
    );
    assert.deepEqual(
      removed.slice(0, 3).map(({ stdout }) => stdout),
      names.map((name) => `${name} removed.\n`),
    );
    assert.match(removed[4]?.stdout ?? '', /^There is no account yet; 'hauspost account add /);
    await orders(server, ['domain', 'remove', 'empty.test']);
  });

  test('C10: who has a domain in another script is told the user name that logs in', async () => {
    const server = get();
    await server.order('domain', 'add', 'bücher.test');
    const { stdout, stderr } = ok(await server.hauspost(['account', 'add', 'anna@bücher.test']));
    const user = /^anna@bücher\.test added\. The user name in mail programs is (\S+)\.\n$/.exec(stdout)?.[1] ?? stdout;
    const pass = /^password of anna@bücher\.test: (\S+)$/m.exec(stderr)?.[1] ?? stderr;
    assert.equal(await canLogIn(server, { user, pass }), true);
    await server.order('domain', 'remove', 'bücher.test', '--with-everything', '--yes');
  });

  test('C10: a generated password is shown once, on standard error, when there is an account, and never in JSON', async () => {
    const server = get();
    const user = 'made@hauspost.test';
    const made = ok(await server.hauspost(['account', 'add', user, '--json']));
    const pass = /^password of made@hauspost\.test: (\S+)$/m.exec(made.stderr)?.[1] ?? '';
    assert.match(pass, /^([0-9a-hjkmnp-tv-z]{5}-){3}[0-9a-hjkmnp-tv-z]{5}$/);
    assert.equal(made.stderr.split(pass).length, 2, 'once');
    assert.ok(!made.stdout.includes(pass));
    assert.equal(await canLogIn(server, { user, pass }), true);
    assert.equal(await canLogIn(server, { user, pass: `${pass}x` }), false);
    for (const { code, stderr } of await runMany(server.machine, [
      ['account', 'add', user],
      ['account', 'add', 'new@nobody.test'],
    ])) {
      assert.equal(code, 3);
      assert.doesNotMatch(stderr, /password/, 'no password for an account that was not made');
    }
    await server.order('account', 'remove', user, '--yes');
  });

  test('C10: a password from standard input is that one line, to the octet; a hash is taken as it is', async () => {
    const server = get();
    const hash = ok(await server.machine.run(['doveadm', 'pw', '-s', 'SHA512-CRYPT', '-p', 'hashed elsewhere'])).stdout.trim();
    const rows: readonly (readonly [string, string, string, string])[] = [
      ['plain', '--password-stdin', 'some words\n', 'some words'],
      ['windows', '--password-stdin', 'some words\r\n', 'some words'],
      ['open', '--password-stdin', 'some words', 'some words'],
      ['spaces', '--password-stdin', '  päss "$x\' \\ %u  \n', '  päss "$x\' \\ %u  '],
      ['hashed', '--password-hash-stdin', `${hash}\n`, 'hashed elsewhere'],
    ];
    for (const [name, flag, input] of rows) {
      const user = `${name}@hauspost.test`;
      const { stdout, stderr } = ok(await server.hauspost(['account', 'add', user, flag], input));
      assert.deepEqual([stdout, stderr], [`${user} added.\n`, '']);
    }
    const tried = await Promise.all(
      rows.map(async ([name, , , pass]) => {
        const user = `${name}@hauspost.test`;
        return [name, ...(await Promise.all([pass, `${pass} `].map((each) => canLogIn(server, { user, pass: each }))))];
      }),
    );
    assert.deepEqual(
      tried,
      rows.map(([name]) => [name, true, false]),
    );
    await orders(server, ...rows.map(([name]) => ['account', 'remove', `${name}@hauspost.test`, '--yes']));
  });

  test('C10: a hash of each scheme that is taken, made by other programs, lets in who has the password', async () => {
    const server = get();
    const logins = HASHES.map((_, index) => ({ user: `hashed-${index}@hauspost.test`, pass: 'hashed elsewhere' }));
    for (const [index, { user }] of logins.entries())
      ok(await server.hauspost(['account', 'add', user, '--password-hash-stdin'], `${HASHES[index]}\n`));
    const tried = await Promise.all(
      logins.map((login) => Promise.all([login.pass, 'hashed elsewhere.', 'Hashed elsewhere'].map((pass) => canLogIn(server, { ...login, pass })))),
    );
    assert.deepEqual(
      tried.map((answers, index) => [HASHES[index], ...answers]),
      HASHES.map((hash) => [hash, true, false, false]),
    );
    await orders(server, ...logins.map(({ user }) => ['account', 'remove', user, '--yes']));
  });

  test('C10, M4: set changes what is named; a disabled account and an old password are out at once, and so are running sessions', async () => {
    const server = get();
    const login = { user: 'changed@hauspost.test', pass: 'the first of two' };
    await server.account(login, '--quota', '1G');
    const closed = async (): Promise<() => Promise<void>> => {
      const imap = await server.imap(login);
      const gone = new Promise<void>((resolve) => imap.on('close', () => resolve()));
      return () => gone;
    };
    let gone = await closed();
    const off = ok(await server.hauspost(['account', 'set', login.user, '--disabled', '--quota', 'default']));
    assert.equal(off.stdout, `${login.user} is now: quota default, disabled.\n`);
    await gone();
    assert.deepEqual([await canLogIn(server, login), await recipient(server, login.user)], [false, 550]);
    const on = { address: login.user, quota_mb: 500, enabled: true, send_only: false, warnings: [] };
    assert.deepEqual(await json(server, 'account', 'set', login.user, '--enabled', '--quota=500M'), on);
    assert.deepEqual([await canLogIn(server, login), await recipient(server, login.user)], [true, 250]);
    ok(await server.hauspost(['account', 'set', login.user, '--send-only']));
    assert.deepEqual([await canLogIn(server, login), await recipient(server, login.user)], [false, 550]);
    ok(await server.hauspost(['account', 'set', login.user, '--no-send-only']));
    gone = await closed();
    const pass = 'the second of two';
    assert.equal(
      ok(await server.hauspost(['account', 'passwd', login.user, '--password-stdin'], `${pass}\n`)).stdout,
      `${login.user} has another password.\n`,
    );
    await gone();
    assert.deepEqual([await canLogIn(server, login), await canLogIn(server, { ...login, pass })], [false, true]);
    await unchanged(server.machine, async () => {
      for (const [words, names] of [
        [['account', 'set', login.user], `nothing to change was named for ${login.user}`],
        [['account', 'set', login.user, '--disabled', '--enabled'], '--enabled and --disabled contradict each other'],
        [['account', 'set', login.user, '--send-only', '--no-send-only'], '--send-only and --no-send-only contradict each other'],
        [['account', 'set', login.user, '--quota', 'lots'], 'lots'],
        [['account', 'set', 'nobody@hauspost.test', '--disabled'], 'nobody@hauspost.test'],
        [['account', 'passwd', 'nobody@hauspost.test'], 'nobody@hauspost.test'],
      ] as const)
        refusedInput(await server.hauspost(words), { words, names });
    });
    await server.order('account', 'remove', login.user, '--yes');
  });

  test('C10: a password typed at the terminal is not shown', async () => {
    const server = get();
    const login = { user: 'typed@hauspost.test', pass: 'typed unseen' };
    const typed = await atTerminal(
      server.machine,
      ['account', 'add', login.user, '--password-prompt'],
      'Password: ',
      `${login.pass}\r${login.pass}\r`,
    );
    assert.equal(typed.code, 0, typed.stdout);
    assert.ok(!typed.stdout.includes(login.pass), typed.stdout);
    assert.equal(await canLogIn(server, login), true);
    const other = await atTerminal(
      server.machine,
      ['account', 'passwd', login.user, '--password-prompt'],
      'Password: ',
      'one thing\ranother thing\r',
    );
    assert.equal(other.code, 3, other.stdout);
    assert.match(other.stdout, /the two passwords differ; nothing was changed/);
    assert.equal(await canLogIn(server, login), true);
    const left = await atTerminal(server.machine, ['account', 'add', 'left@hauspost.test', '--password-prompt'], 'Password: ', CTRL_D);
    assert.equal(left.code, 3, left.stdout);
    assert.equal(await recipient(server, 'left@hauspost.test'), 550);
    await server.order('account', 'remove', login.user, '--yes');
  });
};

const removal = (get: () => Server): void => {
  test('C10: remove ends sessions, moves the mail aside, names dangling aliases; a successor starts with nothing', async () => {
    const server = get();
    const bob = { user: 'bob@hauspost.test', pass: 'the first bob' };
    await server.account(bob);
    await orders(
      server,
      ['alias', 'add', 'sales@hauspost.test', 'bob@hauspost.test', 'demo@hauspost.test'],
      ['alias', 'add', 'tagged@hauspost.test', 'bob+tag@hauspost.test'],
    );
    await deliver(server, bob, 'old@bob.test');
    const words = ['account', 'remove', bob.user];
    await unchanged(server.machine, async () => {
      const unasked = await server.hauspost(words);
      refusedInput(unasked, { words, names: 'Remove bob@hauspost.test, and move its mail aside?' });
      assert.match(unasked.stderr, /^ {2}sales@hauspost\.test -> bob@hauspost\.test would lead nowhere$/m);
    });
    const session = await server.imap(bob);
    const ended = new Promise<void>((resolve) => session.once('close', () => resolve()));
    const removed = ok(await server.hauspost(['account', 'remove', bob.user, '--json', '--yes']));
    const document = oneDocument(removed) as { address: string; moved_to: string; dangling: unknown };
    assert.deepEqual(document.dangling, [
      { source: 'sales@hauspost.test', destination: 'bob@hauspost.test' },
      { source: 'tagged@hauspost.test', destination: 'bob+tag@hauspost.test' },
    ]);
    for (const alias of ['sales', 'tagged'])
      assert.match(removed.stderr, new RegExp(`^warning: the alias ${alias}@hauspost\\.test still leads to bob`, 'm'));
    await ended;
    assert.equal(await recipient(server, bob.user), 550);
    assert.equal(await canLogIn(server, bob), false);
    assert.ok(document.moved_to.startsWith('/var/vmail/removed/bob@hauspost.test.'), document.moved_to);
    assert.match((await server.machine.run(['grep', '-rl', 'old@bob.test', document.moved_to])).stdout, /\/mailboxes\//);
    assert.equal((await server.machine.run(['stat', '-c', '%U %a', '/var/vmail/removed', document.moved_to])).stdout, 'root 700\nroot 700\n');
    const second = { ...bob, pass: 'the second bob' };
    await server.account(second);
    assert.equal(await messages(server, second), 0);
    await deliver(server, second, 'new@bob.test');
  });

  test('C10: --delete-mail asks, and then deletes', async () => {
    const server = get();
    const bob = { user: 'bob@hauspost.test', pass: 'the second bob' };
    const words = ['account', 'remove', bob.user, '--delete-mail'];
    await unchanged(server.machine, async () => {
      refusedInput(await server.hauspost(words), { words, names: 'Remove bob@hauspost.test, and delete all its mail for good?' });
      for (const answer of ['n\n', CTRL_D]) assert.equal((await atTerminal(server.machine, words, 'for good? [y/N] ', answer)).code, 3);
    });
    assert.equal(await messages(server, bob), 1, 'the mail is still there');
    const asked = await atTerminal(server.machine, words, 'for good? [y/N] ', 'y\n');
    assert.equal(asked.code, 0, asked.stdout);
    assert.equal((await server.machine.run(['grep', '-rl', 'new@bob.test', '/var/vmail'])).stdout, '', 'no trace on disk');
    await server.account(bob);
    assert.deepEqual(await json(server, ...words, '--yes'), {
      address: bob.user,
      moved_to: null,
      dangling: [
        { source: 'sales@hauspost.test', destination: 'bob@hauspost.test' },
        { source: 'tagged@hauspost.test', destination: 'bob+tag@hauspost.test' },
      ],
    });
    await orders(server, ...['sales', 'tagged'].map((alias) => ['alias', 'remove', `${alias}@hauspost.test`]));
  });

  test('C10: mail that was moved aside comes back as docs/data.md says', async () => {
    const server = get();
    const bob = { user: 'bob@hauspost.test', pass: 'the first bob' };
    ok(await server.machine.run(['sh', '-c', 'mv /var/vmail/removed/bob@hauspost.test.*/mailboxes /var/vmail/mailboxes/hauspost.test/bob']));
    await server.account(bob);
    const imap = await server.imap(bob);
    assert.match(await fetched(imap, 'INBOX', '<old@bob.test>'), /^Subject: old@bob\.test/m);
    await imap.logout();
    await deliver(server, bob, 'newer@bob.test');
    await orders(server, ['account', 'remove', bob.user, '--yes']);
  });
};

onEachRelease(domains, pointedAt, accounts, removal, changedMeanwhile, otherScripts, openSessions, removals, leftBehind);
