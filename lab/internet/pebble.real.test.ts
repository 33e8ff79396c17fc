/** The certificate authority gives a certificate to whoever answers for a name, and to nobody else. The client is Debian's certbot(1). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { labAvailable } from '../host.ts';
import type { Output } from '../process.ts';
import type { ForeignHost } from './host.ts';
import { AUTHORITY } from './layer.ts';
import { type CertificateAuthority, type Internet, internet } from './index.ts';

const reason = await labAvailable();
const options = reason === undefined ? {} : { skip: reason };

let net: Internet;
let authority: CertificateAuthority;
let web: ForeignHost;

before(async () => {
  if (reason !== undefined) return;
  net = await internet(['elsewhere.right.example. A 198.18.9.1']);
  authority = await net.pebble();
  web = await net.host('www.right.example');
});
after(() => net?.[Symbol.asyncDispose]());

/** certbot answers the challenge itself, on port 80 (RFC 8555, section 8.3). It trusts the authority that the file holds. */
const certbot = (name: string, trusted: string): Promise<Output> =>
  web.room.run([
    ...['env', `REQUESTS_CA_BUNDLE=${trusted}`, 'certbot', 'certonly', '--standalone', '--server', authority.directory, '--non-interactive'],
    ...['--agree-tos', '--register-unsafely-without-email', '--domain', name],
  ]);

test('a directory that is not trusted is not asked', options, async () => {
  await web.must(['sh', '-c', 'openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=other -out /srv/other.pem 2>/dev/null']);
  const { code, stderr } = await certbot('www.right.example', '/srv/other.pem');
  assert.notEqual(code, 0);
  assert.match(stderr, /CERTIFICATE_VERIFY_FAILED/);
});

test('whoever answers for a name gets a certificate, which hangs from the root that is told', options, async () => {
  const { code, stdout, stderr } = await certbot('www.right.example', AUTHORITY.certificate);
  assert.equal(code, 0, `${stdout}${stderr}${authority.host.said()}`);
  const lies = '/etc/letsencrypt/live/www.right.example';
  const verify = ['openssl', 'verify', '-verify_hostname', 'www.right.example', '-CAfile', '/srv/root.pem', '-untrusted', `${lies}/chain.pem`];
  const files = { '/srv/root.pem': authority.root() };
  assert.equal((await web.must([...verify, `${lies}/cert.pem`], { files })).stdout, `${lies}/cert.pem: OK\n`);
  const other = verify.map((word) => (word === '/srv/root.pem' ? AUTHORITY.certificate : word));
  assert.notEqual((await web.room.run([...other, `${lies}/cert.pem`])).code, 0);
});

test('nobody gets one for a name that leads elsewhere', options, async () => {
  const { code, stdout, stderr } = await certbot('elsewhere.right.example', AUTHORITY.certificate);
  assert.notEqual(code, 0);
  assert.match(`${stdout}${stderr}`, /elsewhere\.right\.example/);
});
