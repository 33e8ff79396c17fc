/**
 * M20, M21 in small: each daemon is killed as the kernel does it when memory is short, comes back without anybody's help, and mail
 * flows again; what was answered with 250 before is there. Both releases, systemd (without: container.test.ts).
 */
import { childrenOf } from '../children.ts';
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { emptied, fetched, httpRequest, httpsExchange, oneDocument, type Release, type Server, serve, until } from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

/** With the program of its first process, and its unit by release. */
type Daemon = readonly [name: string, program: string, units: Readonly<Record<Release, string>>];

const DAEMONS: readonly Daemon[] = [
  ['unbound', 'unbound', { bookworm: 'unbound', trixie: 'unbound' }],
  ['mariadb', 'mariadbd', { bookworm: 'mariadb', trixie: 'mariadb' }],
  ['redis', 'redis-server', { bookworm: 'redis-server', trixie: 'redis-server' }],
  ['rspamd', 'rspamd', { bookworm: 'rspamd', trixie: 'rspamd' }],
  ['dovecot', 'dovecot', { bookworm: 'dovecot', trixie: 'dovecot' }],
  ['postfix', 'master', { bookworm: 'postfix@-', trixie: 'postfix' }],
  ['nginx', 'nginx', { bookworm: 'nginx', trixie: 'nginx' }],
  ['dkim-keys', 'dkim-keys', { bookworm: 'hauspost-dkim-keys', trixie: 'hauspost-dkim-keys' }],
  ['upkeep', 'upkeep', { bookworm: 'hauspost-upkeep', trixie: 'hauspost-upkeep' }],
];

const BACK_MS = 60_000;
/** More often within ten seconds than systemd by itself would start a unit. */
const KILLS = 7;
const FLOWS_MS = 60_000;

/** What systemd thinks of a daemon, and what its processes wait for, where one does not come back. */
const LOOK = `systemctl status --no-pager --lines=60 "$1"
for pid in $(pgrep -x "$2"); do echo "$pid: $(tr '\\0' ' ' <"/proc/$pid/cmdline"), $(cat "/proc/$pid/wchan")"; grep -E '^(State|PPid|Sig|Shd)' "/proc/$pid/status"; done; true`;

const backAgain = async (server: Server, [name, program, units]: Daemon, release: Release, before: string, what: string): Promise<void> => {
  try {
    await until(`${name} ${what}`, () => isBack(server, program, units[release], before), BACK_MS, 100);
  } catch (error) {
    const { stdout } = await server.machine.run(['sh', '-c', LOOK, 'look', units[release], program]);
    console.log(stdout);
    throw error;
  }
};

/** The process that systemd started. */
const firstProcess = ({ machine }: Server, program: string): string => childrenOf(machine, '1', program).join(' ');

const isBack = async (server: Server, program: string, unit: string, before: string): Promise<true | undefined> => {
  const now = firstProcess(server, program);
  if (!/^[0-9]+$/.test(now) || now === before) return undefined;
  const { stdout } = await server.machine.run(['systemctl', 'show', '--property=ActiveState', '--value', `${unit}.service`]);
  return stdout.trim() === 'active' || undefined;
};

let sent = 0;

/** Sends a stranger's message to the demo account; its id when it was accepted, undefined when the server says "later". */
const send = async (server: Server): Promise<string | undefined> => {
  const id = `<crash-${++sent}@outside.test>`;
  const lines = ['From: <friend@outside.test>', 'To: <demo@hauspost.test>', `Message-ID: ${id}`, dated()];
  const smtp = await server.stranger();
  try {
    for (const line of ['MAIL FROM:<friend@outside.test>', 'RCPT TO:<demo@hauspost.test>']) {
      const { code, lines: words } = await smtp.command(line);
      assert.ok(code < 500, `${line}: ${code} ${words.join(' ')}`);
      if (code >= 400) return undefined;
    }
    const { code, lines: words } = await smtp.data(
      [...lines, 'Subject: crash', 'MIME-Version: 1.0', 'Content-Type: text/plain', '', 'Still there?', ''].join('\r\n'),
    );
    assert.ok(code < 500, `end of data: ${code} ${words.join(' ')}`);
    return code === 250 ? id : undefined;
  } finally {
    smtp.close();
  }
};

/** What was just being handed over when somebody was killed waits for its next attempt. */
const arrives = async (server: Server, ids: readonly string[]): Promise<void> => {
  await emptied(server);
  const imap = await server.imap(server.demo);
  try {
    for (const id of ids) await fetched(imap, 'INBOX', id);
  } finally {
    await imap.logout();
  }
};

const webUiAnswers = async (server: Server): Promise<void> => {
  const password = (await server.machine.run(['cat', '/var/lib/hauspost/secrets/rspamd.controller.password'])).stdout.trim();
  const socket = await server.machine.dial({ host: '127.0.0.1', port: 443 });
  const { status } = await httpsExchange(socket, server.trust, httpRequest('/rspamd/auth', { headers: [`Password: ${password}`] }));
  assert.equal(status, 200);
};

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    before(async () => {
      server = await serve(release);
    });
    after(() => server?.[Symbol.asyncDispose]());

    for (const daemon of DAEMONS) {
      const [name, program] = daemon;
      test(`M21: ${name} is killed: it comes back by itself, mail flows, and what was accepted is there`, async () => {
        const first = await send(server);
        assert.ok(first !== undefined, 'mail flows before');
        const pid = firstProcess(server, program);
        assert.match(pid, /^[0-9]+$/);
        const begun = performance.now();
        await server.machine.run(['kill', '-KILL', pid]);
        await backAgain(server, daemon, release, pid, 'runs again');
        const back = performance.now();
        const second = await until('mail is accepted', () => send(server), FLOWS_MS, 250);
        await arrives(server, [first, second]);
        await webUiAnswers(server);
        console.log(`    ${name} was back after ${(back - begun).toFixed(0)} ms, mail and web after ${(performance.now() - begun).toFixed(0)} ms`);
      });
    }

    test('M21: where the kernel ends one of their processes for want of memory, Dovecot and Rspamd go on', async () => {
      for (const unit of ['dovecot', 'rspamd']) {
        const { stdout } = await server.machine.run(['systemctl', 'show', '--property=OOMPolicy', '--value', `${unit}.service`]);
        assert.equal(stdout.trim(), 'continue', unit);
      }
    });

    test('C6: status says of one that was killed and has not come back that it does not run, and not that somebody changed it', async () => {
      const { machine } = server;
      const must = async (script: string): Promise<void> => assert.equal((await machine.run(['sh', '-c', script])).code, 0, script);
      const told = async (): Promise<{ readonly drift: readonly string[]; readonly state: string | undefined; readonly text: string }> => {
        const { services, drift } = oneDocument(await server.hauspost(['status', '--json'])) as {
          services: { name: string; state: string }[];
          drift: string[];
        };
        return { drift, state: services.find(({ name }) => name === 'nginx')?.state, text: (await server.hauspost(['status'])).stdout };
      };
      const [folder, conf] = ['/run/systemd/system/nginx.service.d', '/etc/nginx/nginx.conf'];
      await must(`mkdir -p ${folder} && printf '[Service]\\nRestartSec=600\\n' >${folder}/zz-late.conf && systemctl daemon-reload`);
      await must('kill -KILL "$(systemctl show -p MainPID --value nginx)"');
      await until('nginx waits', async () => ((await told()).state === 'failed' ? true : undefined), 60_000, 500);
      const killed = await told();
      assert.deepEqual([killed.drift, killed.state], [[], 'failed']);
      assert.match(killed.text, /^Not running: nginx; /m);
      assert.doesNotMatch(killed.text, /somebody else/);
      await must(`cp -a ${conf} /root/ && echo '# by hand' >>${conf}`);
      const edited = await told();
      assert.deepEqual(edited.drift, [conf]);
      await must(`cp -a /root/nginx.conf ${conf} && rm -r ${folder} && systemctl daemon-reload && systemctl restart nginx`);
      const well = await told();
      assert.deepEqual([well.drift, well.state], [[], 'running']);
      assert.doesNotMatch(well.text, /Not running|somebody else/);
    });

    test(`M21: all are killed ${KILLS} times, each as soon as it is back: each comes back once more, and what was accepted is there`, async () => {
      const first = await send(server);
      assert.ok(first !== undefined, 'mail flows before');
      const again = async (daemon: Daemon): Promise<void> => {
        const [name, program] = daemon;
        for (let n = 1; n <= KILLS; n += 1) {
          const pid = await until(`${name} runs`, () => firstProcess(server, program) || undefined, BACK_MS, 100);
          await server.machine.run(['kill', '-KILL', pid]);
          await backAgain(server, daemon, release, pid, `runs after ${n} kills`);
        }
      };
      await Promise.all(DAEMONS.map(again));
      const second = await until('mail is accepted', () => send(server), FLOWS_MS, 250);
      await arrives(server, [first, second]);
    });

    test('C7: after all of it the self-test passes', async () => {
      const { code, stdout } = await server.hauspost(['selftest', '--json']);
      assert.equal(code, 0, stdout);
    });
  });
}
