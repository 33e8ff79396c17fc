/** M22: Rspamd's web interface opens over HTTPS to who knows the password, and to nobody else by any other way. Both releases, profile local. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { dated } from '../dated.ts';
import { scansIn } from '../history.ts';
import {
  exchange,
  type HttpAnswer,
  httpRequest,
  httpsExchange,
  httpsFirstWords,
  type HttpParts,
  type Release,
  type Server,
  serve,
  until,
} from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
const SECRETS = '/var/lib/hauspost/secrets';

/** Paths that show something. */
const SHOWING = ['stat', 'auth', 'symbols', 'actions', 'history', 'errors', 'graph?type=day', 'pie', 'maps', 'counters', 'neighbours', 'metrics'];
/** Paths that change something, or work for the client. */
const CHANGING = [
  'learnspam',
  'learnham',
  'checkv2',
  'scan',
  'saveactions',
  'savesymbols',
  'savemap',
  'statreset',
  'historyreset',
  'fuzzyadd',
  'fuzzydel',
];

const basic = (login: string): string => `Authorization: Basic ${Buffer.from(login).toString('base64')}`;

/** What might make Nginx or Rspamd believe that the client is somebody, or asks for something else. */
const FORGED: readonly (readonly string[])[] = [
  ['X-Forwarded-For: 127.0.0.1'],
  ['X-Forwarded-For: ::1', 'X-Real-IP: ::1'],
  ['X-Forwarded-For: 127.0.0.1, 127.0.0.1'],
  ['X-Forwarded-For:'],
  ['X-Real-IP: 127.0.0.1'],
  ['X-Real-Ip: 127.0.0.1', 'X-Real_IP: 127.0.0.1'],
  ['Forwarded: for=127.0.0.1;by=127.0.0.1;proto=https'],
  ['IP: 127.0.0.1', 'Client-IP: 127.0.0.1', 'True-Client-IP: 127.0.0.1'],
  ['Connection: close, X-Real-IP, X-Forwarded-For'],
  ['Host: localhost'],
  ['Host: 127.0.0.1:11334'],
  ['X-Original-URL: /stat', 'X-Rewrite-URL: /stat'],
  ['Password: q1'],
  ['Password: q2'],
  ['Password:'],
  ['Password: password', basic('admin:q1')],
  [basic('rspamd:q1')],
];

/** Ways to write a path so that one program reads it otherwise than the next. Without the password none shows anything of Rspamd's. */
const TRICKS = [
  '/rspamd/../',
  '/rspamd/../stat',
  '/rspamd/%2e%2e/stat',
  '/rspamd/..%2fstat',
  '/rspamd/./stat',
  '/rspamd/../rspamd/stat',
  '//rspamd//stat',
  '/rspamd%2fstat',
  '/rspamd/stat/',
  '/rspamd/stat;x=y',
  '/rspamd/stat%20',
  '/rspamd/stat%00',
  '/rspamd/%73tat',
  '/RSPAMD/stat',
  '/rspamd',
  '/stat',
  '/.well-known/acme-challenge/../../rspamd/stat',
  '/rspamd/..%2f..%2f..%2f..%2fetc%2fpasswd',
  '/rspamd/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd',
  '/rspamd/../../../../etc/passwd',
  'http://127.0.0.1:11334/stat',
  '/rspamd/stat?password=q1',
];

const METHODS = ['HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'get'];

/** What /stat shows to those who may see it. */
const SECRET = /"(?:scanned|uptime|config_id)"/;

const refused = ({ status, body }: HttpAnswer, what: string): void => {
  assert.ok([401, 403].includes(status), `${what}: ${status} ${body.slice(0, 300)}`);
  assert.doesNotMatch(body, SECRET, what);
};

let lastClient = 0;
/** Each question comes from an address of its own, so that the limit for guessers is not what answers. */
const newClient = (): string => `127.7.${Math.floor(++lastClient / 250)}.${(lastClient % 250) + 1}`;

const ask = async (server: Server, target: string, parts: HttpParts = {}, localAddress = newClient()): Promise<HttpAnswer> =>
  httpsExchange(await server.machine.dial({ host: '127.0.0.1', port: 443, localAddress }), server.trust, httpRequest(target, parts));

const askPlainly = async (server: Server, port: number, request: string): Promise<HttpAnswer> =>
  exchange(await server.machine.dial({ host: '127.0.0.1', port, localAddress: newClient() }), request);

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    let password: string;
    const secret = async (name: string): Promise<string> => (await server.machine.run(['cat', `${SECRETS}/${name}`])).stdout.trim();
    before(async () => {
      server = await serve(release);
      password = await secret('rspamd.controller.password');
      assert.match(password, /^\S{20,}$/);
    });
    after(() => server?.[Symbol.asyncDispose]());

    for (const path of SHOWING) {
      test(`M22: /rspamd/${path} is shown with the password, and not without or with another`, async () => {
        const right = await ask(server, `/rspamd/${path}`, { headers: [`Password: ${password}`] });
        assert.equal(right.status, 200, right.body);
        refused(await ask(server, `/rspamd/${path}`), 'without');
        refused(await ask(server, `/rspamd/${path}`, { headers: ['Password: wrong'] }), 'wrong');
      });
    }

    for (const path of CHANGING) {
      test(`M22: POST /rspamd/${path} is refused without the password and with a wrong one`, async () => {
        const body = 'From: <a@outside.test>\r\nSubject: x\r\n\r\nx\r\n';
        refused(await ask(server, `/rspamd/${path}`, { method: 'POST', body }), 'without');
        refused(await ask(server, `/rspamd/${path}`, { method: 'POST', body, headers: ['Password: q1', 'X-Forwarded-For: 127.0.0.1'] }), 'wrong');
      });
    }

    test('M22: the twin: a scan and a change are done with the password', async () => {
      const headers = [`Password: ${password}`];
      const scan = await ask(server, '/rspamd/checkv2', { method: 'POST', headers, body: 'From: <a@outside.test>\r\nSubject: x\r\n\r\nx\r\n' });
      assert.equal(scan.status, 200, scan.body);
      assert.match(scan.body, /"score":/);
      const reset = await ask(server, '/rspamd/statreset', { method: 'POST', headers });
      assert.equal(reset.status, 200, reset.body);
    });

    const LARGE = `From: <a@outside.test>\r\nSubject: x\r\n\r\n${'A line that is as good as any other one.\r\n'.repeat(2000)}`;
    /** A body of 40 MB is announced, and most of it never comes: who reads it before he asks for the password waits for it. */
    const announced = async (path: string, headers: readonly string[]): Promise<HttpAnswer> => {
      const socket = await server.machine.dial({ host: '127.0.0.1', port: 443, localAddress: newClient() });
      const request = httpRequest(path, { method: 'POST', headers: ['Content-Length: 40000000', ...headers] });
      return httpsFirstWords(socket, server.trust, request + LARGE);
    };

    for (const path of ['checkv2', 'learnham', 'fuzzyadd', 'savemap', 'plugins/selectors/check_message?selector=id', './/%63heckv2']) {
      test(`M22: of a large body for /rspamd/${path} nothing is kept before the password is right`, async () => {
        refused(await announced(`/rspamd/${path}`, []), 'without');
        refused(await announced(`/rspamd/${path}`, ['Password: wrong', 'X-Forwarded-For: 127.0.0.1']), 'wrong');
      });
    }

    test('M22: a large body is refused where none belongs, with and without the password', async () => {
      for (const path of ['x', '', 'stat', 'auth', 'checkv2/', 'CHECKV2', 'plugins/selectors/list_extractors'])
        for (const headers of [[], [`Password: ${password}`]])
          assert.equal((await ask(server, `/rspamd/${path}`, { method: 'POST', headers, body: LARGE })).status, 413, path);
      assert.equal((await ask(server, '/rspamd-password', { headers: [`Password: ${password}`] })).status, 404);
    });

    test('M22: the twin: with the password a large message is scanned, looked into and learned', async () => {
      const post = (path: string): Promise<HttpAnswer> =>
        ask(server, `/rspamd/${path}`, { method: 'POST', headers: [`Password: ${password}`], body: LARGE });
      const scan = await post('checkv2');
      assert.deepEqual([scan.status, /"score":/.test(scan.body)], [200, true], scan.body);
      const looked = await post('plugins/selectors/check_message?selector=header(Subject)');
      assert.deepEqual([looked.status, /"x"/.test(looked.body)], [200, true], looked.body);
      const learned = await post('learnham');
      assert.deepEqual([learned.status, /"success":true/.test(learned.body)], [200, true], learned.body);
    });

    test('M28: what is wrong with a request is not written with the password in its query', async () => {
      const word = 'a-password-in-a-query';
      const large = await ask(server, `/rspamd/stat?password=${word}`, { method: 'POST', body: LARGE });
      assert.equal(large.status, 413);
      await server.machine.run(['systemctl', 'stop', 'rspamd.service']);
      try {
        for (const path of ['stat', 'checkv2']) {
          const { status } = await ask(server, `/rspamd/${path}?password=${word}`, { method: 'POST', body: 'x' });
          assert.ok([500, 502].includes(status), `${path}: ${status}`);
        }
      } finally {
        await server.machine.run(['systemctl', 'start', 'rspamd.service']);
      }
      const answers = async (): Promise<true | undefined> => (await ask(server, '/rspamd/')).status === 200 || undefined;
      await until('Rspamd answers again', answers, 60_000, 200);
      assert.ok(!(await server.machine.journal()).includes(word));
    });

    for (const headers of FORGED) {
      test(`M22: nothing opens by ${headers.join(' + ')}`, async () => {
        const answer = await ask(server, '/rspamd/stat', { headers });
        // A Host that is not ours is answered by us all the same: there is one server.
        refused(answer, answer.headers);
      });
    }

    test('M22: neither the stored hash nor a password nearly right is a password', async () => {
      const hash = await secret('rspamd.controller.hash');
      assert.match(hash, /^\$1\$/);
      for (const wrong of [hash, `${password}x`, password.slice(0, -1), password.toUpperCase(), `${password}%00`, encodeURIComponent(`${password}-`)])
        refused(await ask(server, '/rspamd/stat', { headers: [`Password: ${wrong}`] }), wrong === hash ? 'hash' : 'nearly right');
    });

    for (const target of TRICKS) {
      test(`M22: no way around by ${target}`, async () => {
        const { status, body } = await ask(server, target);
        assert.ok(status === 200 ? body.includes('This is the mail server') : [301, 400, 401, 403, 404].includes(status), `${status} ${body}`);
        assert.doesNotMatch(body, SECRET);
        assert.doesNotMatch(body, /root:x:0/);
      });
    }

    for (const method of METHODS) {
      test(`M22: method ${method} opens nothing`, async () => {
        const { status, headers, body } = await ask(server, '/rspamd/stat', { method });
        assert.ok(status >= 400 || (method === 'OPTIONS' && body === ''), `${headers} ${body}`);
        assert.doesNotMatch(body, SECRET);
      });
    }

    test('HEAD is answered as GET is, without the body', async () => {
      const both = (path: string, headers: readonly string[] = []): Promise<readonly HttpAnswer[]> =>
        Promise.all(['GET', 'HEAD'].map((method) => ask(server, path, { method, headers })));
      for (const headers of [[], [`Password: ${password}`]]) {
        const [get, head] = await both('/rspamd/stat', headers);
        assert.deepEqual([head?.status, head?.body], [get?.status, '']);
      }
      const [page, head] = await both('/rspamd/');
      assert.deepEqual([page?.status, head?.status, head?.body], [200, 200, '']);
    });

    test('M22: a request hidden in another one is not passed on', async () => {
      const hidden = 'GET /stat HTTP/1.1\r\nHost: localhost\r\n\r\n';
      const headers = ['Transfer-Encoding: chunked', `Content-Length: ${hidden.length + 5}`];
      const request = `${httpRequest('/rspamd/stat', { method: 'POST', headers })}0\r\n\r\n${hidden}`;
      const socket = await server.machine.dial({ host: '127.0.0.1', port: 443, localAddress: newClient() });
      const answer = await httpsExchange(socket, server.trust, request);
      assert.ok(answer.status >= 400, answer.headers);
      assert.doesNotMatch(answer.body, SECRET);
    });

    test('M22: guessing is slowed down, for the guesser only', async () => {
      // Ten a second may ask on and on: a machine that does not bring them faster has nobody to turn away.
      const statuses = await until(
        'some are turned away',
        async () => {
          const guesser = newClient();
          const guess = (_: unknown, n: number): Promise<HttpAnswer> => ask(server, '/rspamd/auth', { headers: [`Password: guess-${n}`] }, guesser);
          const answers = await Promise.all(Array.from({ length: 160 }, guess));
          const got = answers.map(({ status }) => status);
          assert.ok(!got.includes(200));
          return got.includes(429) ? got : undefined;
        },
        120_000,
      );
      console.log(`    160 guesses at once: ${statuses.filter((status) => status === 429).length} answered 429`);
      assert.equal((await ask(server, '/rspamd/auth', { headers: [`Password: ${password}`] })).status, 200);
    });

    for (const target of ['/rspamd/', '/rspamd/stat', '/', '/rspamd/../stat', '/rspamd/?password=q1']) {
      test(`M22: plain HTTP shows nothing of ${target} and leads to HTTPS on a name of ours`, async () => {
        for (const host of ['mail.hauspost.test', 'evil.test']) {
          const request = httpRequest(target, { headers: [`Host: ${host}`, `Password: ${password}`] });
          const { status, headers, body } = await askPlainly(server, 80, request);
          assert.equal(status, 301, headers);
          assert.match(headers, /^Location: https:\/\/localhost\//m);
          assert.doesNotMatch(body, SECRET);
        }
      });
    }

    test('M22: who begins requests and ends none keeps nobody out, and is not waited for for long', async () => {
      const machine = server.machine;
      const begun = await Promise.all(Array.from({ length: 400 }, () => machine.dial({ host: '127.0.0.1', port: 80, localAddress: newClient() })));
      const ended = begun.map((socket) => once(socket.resume(), 'close'));
      try {
        for (const socket of begun) socket.write('GET / HTTP/1.1\r\nHost: mail');
        assert.equal((await askPlainly(server, 80, httpRequest('/'))).status, 301);
        assert.ok(begun.every((socket) => !socket.readableEnded && !socket.closed));
        const since = performance.now();
        await Promise.race([Promise.all(ended), pause(45_000)]);
        assert.ok(begun.every(({ closed }) => closed));
        console.log(`    400 requests that were begun are given up after ${((performance.now() - since) / 1000).toFixed(1)} s`);
      } finally {
        for (const socket of begun) socket.destroy();
      }
    });

    test('M22: plain HTTP is not spoken on 443', async () => {
      const { status, body } = await askPlainly(server, 443, httpRequest('/rspamd/stat', { headers: [`Password: ${password}`] }));
      assert.equal(status, 400);
      assert.doesNotMatch(body, SECRET);
    });

    for (const headers of [[], ['Password: q1'], ['Password: wrong', 'X-Real-IP: 127.0.0.1'], ['X-Forwarded-For: 127.0.0.1'], ['X-Forwarded-For:']]) {
      test(`M22: the loopback port itself wants the password: ${headers.join(' + ') || 'nothing said'}`, async () => {
        for (const path of ['/stat', '/learnspam', '/symbols', '/checkv2'])
          refused(await askPlainly(server, 11334, httpRequest(path, { method: 'POST', headers, body: 'x' })), path);
      });
    }

    test('M22: the twin: with the password it answers', async () => {
      const { status, body } = await askPlainly(server, 11334, httpRequest('/stat', { headers: [`Password: ${password}`] }));
      assert.equal(status, 200);
      assert.match(body, SECRET);
    });

    test('M28: the history shows a message with its points, and of its subject a hash alone', async () => {
      const [id, subject] = ['history@outside.test', 'Quarterly zucchini figures'];
      const smtp = await server.stranger();
      for (const line of ['MAIL FROM:<friend@outside.test>', 'RCPT TO:<demo@hauspost.test>']) assert.equal((await smtp.command(line)).code, 250);
      const head = ['From: <friend@outside.test>', 'To: <demo@hauspost.test>', `Message-ID: <${id}>`, dated(), `Subject: ${subject}`];
      assert.equal((await smtp.data([...head, '', 'Here they are.', ''].join('\r\n'))).code, 250);
      smtp.close();
      const row = await until(
        'the message is in the history',
        async () => {
          const { body } = await ask(server, '/rspamd/history', { headers: [`Password: ${password}`] });
          assert.doesNotMatch(body, /zucchini/i);
          return scansIn(body, id)[0];
        },
        30_000,
        200,
      );
      // BLAKE2b, its first 16 digits, behind a word that says so (Rspamd's lua_util.maybe_obfuscate_string).
      assert.equal(row.subject, `obf:${createHash('blake2b512').update(subject).digest('hex').slice(0, 16)}`);
      assert.equal(typeof row.score, 'number');
      assert.ok(Object.keys(row.symbols).length > 0);
    });

    test('M22: with password and hash removed, up makes another one; until then the old one counts, and after that no more', async () => {
      const [file, hash] = [`${SECRETS}/rspamd.controller.password`, `${SECRETS}/rspamd.controller.hash`];
      const status = async (of: string): Promise<number> => (await ask(server, '/rspamd/auth', { headers: [`Password: ${of}`] })).status;
      await server.machine.run(['rm', file, hash]);
      const lost = await server.hauspost(['apply', '--yes']);
      assert.deepEqual([lost.code, lost.stderr.includes(`hauspost: ${hash} is gone\n  'hauspost up' makes another`)], [4, true], lost.stderr);
      assert.equal(await status(password), 200);
      await server.order('up', '--yes');
      const other = await secret('rspamd.controller.password');
      assert.notEqual(other, password);
      await until('the new one counts', async () => ((await status(other)) === 200 ? true : undefined), 20_000, 200);
      refused(await ask(server, '/rspamd/auth', { headers: [`Password: ${password}`] }), 'the old one');
    });

    test("M22: the socket on which nobody is asked for a password is for Rspamd's own group", async () => {
      const may = async (user: string): Promise<boolean> =>
        (await server.machine.run(['test', '-w', '/run/rspamd/controller.sock'], { user })).code === 0;
      assert.equal(await may('_rspamd'), true);
      for (const user of ['www-data', 'postfix', 'vmail', 'dovecot', 'nobody']) assert.equal(await may(user), false, user);
    });
  });
}
