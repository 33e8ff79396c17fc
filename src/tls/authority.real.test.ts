/** Which chain lies there while a public authority is asked: what that signed last for the key, else our own authority's; never ours in the place of another that fits. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { path } from '#base';
import { must, thisMachine } from '#machine';
import { ensureSigned, isSigned, type SignedRequest, wantedOfSigned } from './authority.ts';
import { makeKey, successorFrom } from './own-ca.ts';

const reason = process.getuid?.() === 0 ? undefined : 'only root owns keys';
const options = reason === undefined ? {} : { skip: reason };

const scratch = mkdtempSync(join(tmpdir(), 'hauspost-authority-'));
after(() => rmSync(scratch, { recursive: true }));

const machine = thisMachine();

const requestIn = (name: string): SignedRequest => {
  const at = (file: string) => path(join(scratch, name, file));
  const files = { key: at('key.pem'), chain: at('chain.pem'), ca: at('ca.pem'), caKey: at('ca.key'), kept: at('kept.pem') };
  return { names: ['mail.example.org'], addresses: [], keyType: 'ecdsa', ...files };
};

/** By somebody else, for the key in that file. */
const signedElsewhere = async (key: string): Promise<Buffer> => {
  const out = join(scratch, `elsewhere-${machine.random(4).toString('hex')}.pem`);
  const days = ['-days', '30', '-subj', '/O=Elsewhere', '-addext', 'subjectAltName=DNS:mail.example.org'];
  await must(machine, ['openssl', 'req', '-x509', '-new', '-key', key, ...days, '-out', out]);
  return (await machine.read(path(out))) ?? Buffer.alloc(0);
};

const READABLE = { owner: 'root:root', mode: 0o644 };
const issuer = async ({ chain }: SignedRequest): Promise<string> =>
  new X509Certificate((await machine.read(chain)) ?? '').issuer.split('\n')[0] ?? '';

test('our own authority first; then what was signed elsewhere, which stays, also when its copy is gone', options, async () => {
  const request = requestIn('first');
  assert.equal(await wantedOfSigned(machine, request), 'create');
  await ensureSigned(machine, request);
  assert.deepEqual(
    [await wantedOfSigned(machine, request), await isSigned(machine, request), await issuer(request)],
    [undefined, false, 'O=Hauspost'],
  );
  await machine.write(request.kept, await signedElsewhere(request.key), READABLE);
  assert.equal(await wantedOfSigned(machine, request), 'change');
  await ensureSigned(machine, request);
  assert.deepEqual(
    [await wantedOfSigned(machine, request), await isSigned(machine, request), await issuer(request)],
    [undefined, true, 'O=Elsewhere'],
  );
  await machine.remove(request.kept);
  await ensureSigned(machine, request);
  assert.deepEqual([await wantedOfSigned(machine, request), await issuer(request)], [undefined, 'O=Elsewhere']);
});

test('for another key than the one that lies there it does not count, and ours signs for that', options, async () => {
  const request = requestIn('other');
  await ensureSigned(machine, request);
  await machine.write(request.kept, await signedElsewhere(request.key), READABLE);
  await ensureSigned(machine, request);
  assert.equal(await issuer(request), 'O=Elsewhere');
  await makeKey(machine, request.key, 'rsa');
  assert.equal(await wantedOfSigned(machine, request), 'change');
  await ensureSigned(machine, request);
  assert.deepEqual([await wantedOfSigned(machine, request), await issuer(request)], [undefined, 'O=Hauspost']);
  assert.equal((await machine.state(request.key))?.mode, 0o600);
});

test('what lies there and is no certificate is replaced', options, async () => {
  const request = requestIn('torn');
  await ensureSigned(machine, request);
  await machine.write(request.chain, '', READABLE);
  await machine.write(request.kept, 'torn', READABLE);
  assert.equal(await wantedOfSigned(machine, request), 'change');
  await ensureSigned(machine, request);
  assert.equal(await issuer(request), 'O=Hauspost');
});

test('an authority whose key was lost signs no more: what is served stays, and in its time another one signs', options, async () => {
  const request = requestIn('keyless');
  await ensureSigned(machine, request);
  const [before, authority] = [await machine.read(request.chain), await machine.read(request.ca)];
  await machine.remove(request.caKey);
  await ensureSigned(machine, request);
  assert.deepEqual([await machine.read(request.chain), await machine.read(request.ca)], [before, authority]);
  const more = { ...request, names: [...request.names, 'imap.example.org'] };
  assert.equal(await wantedOfSigned(machine, more), 'change');
  await ensureSigned(machine, more);
  const made = new X509Certificate((await machine.read(request.chain)) ?? '');
  assert.equal(made.verify(new X509Certificate((await machine.read(request.ca)) ?? '').publicKey), true);
  assert.equal(await wantedOfSigned(machine, more), undefined);
  // With a key that was put there by somebody else it is the same.
  await makeKey(machine, request.caKey, 'ecdsa');
  const most = { ...more, names: [...more.names, 'smtp.example.org'] };
  await ensureSigned(machine, most);
  assert.equal(await wantedOfSigned(machine, most), undefined);
});

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const at = (ms: number) => ({ ...machine, now: () => new Date(Date.now() + ms) });

test('one that is over is kept, and comes back where it is the one that is valid; nobody else can read its key', options, async () => {
  const request = requestIn('over');
  await ensureSigned(machine, request);
  const [authority, key] = [await machine.read(request.ca), await machine.read(request.caKey)];
  await ensureSigned(at(11 * YEAR_MS), request);
  assert.notDeepEqual(await machine.read(request.ca), authority);
  await machine.remove(request.caKey);
  await ensureSigned(machine, { ...request, names: ['imap.example.org'] });
  assert.deepEqual([await machine.read(request.ca), await machine.read(request.caKey)], [authority, key]);
  assert.deepEqual([(await machine.state(request.caKey))?.mode, (await machine.state(request.ca))?.mode], [0o600, 0o644]);
  const kept = path(join(scratch, 'over', 'own-ca-earlier'));
  const files = (await machine.list(kept)).map((name) => path(join(kept, name)));
  assert.deepEqual(
    [(await machine.state(kept))?.mode, ...(await Promise.all(files.map(async (file) => (await machine.state(file))?.mode)))],
    [0o700, 0o600],
  );
});

test('two years before its end it is said from when on another one signs, and then it does: not a day before', options, async () => {
  const request = requestIn('successor');
  await ensureSigned(machine, request);
  const made = new X509Certificate((await machine.read(request.ca)) ?? '');
  const before = (days: number) => new Date(made.validToDate.getTime() - days * DAY_MS);
  const told = [731, 729, 397, 1, -1].map((days) => successorFrom(made, before(days)));
  assert.deepEqual(told, [undefined, before(397), before(397), before(397), undefined]);
  for (const [days, stays] of [
    [398, true],
    [396, false],
  ] as const) {
    const name = `${days}.example.org`;
    await ensureSigned(at(before(days).getTime() - Date.now()), { ...request, names: [name] });
    assert.equal(new X509Certificate((await machine.read(request.ca)) ?? '').fingerprint256 === made.fingerprint256, stays, name);
  }
});

test('with a clock that is behind it stays, and signs', options, async () => {
  const request = requestIn('behind');
  await ensureSigned(machine, request);
  const authority = await machine.read(request.ca);
  await ensureSigned(at(-2 * YEAR_MS), { ...request, names: ['imap.example.org'] });
  assert.deepEqual(await machine.read(request.ca), authority);
});
