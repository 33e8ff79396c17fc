import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RenderInput } from '#model';
import { inputFor } from '../test-input.lab.ts';
import { filesRead } from './check.ts';
import { nginx } from './index.ts';

const conf = (input: RenderInput): string => {
  const item = nginx.items(input).find((each) => each.kind === 'file');
  assert.ok(item?.kind === 'file');
  return item.text.join('');
};

test('HTTP/2 is an argument of listen until 1.25.1 and a directive from then on', () => {
  assert.match(
    conf(inputFor('bookworm')),
    /^ {4}listen 127\.0\.0\.1:443 ssl http2 default_server;\n {4}listen \[::1\]:443 ssl http2 default_server;\n {4}server_name/m,
  );
  assert.match(
    conf(inputFor('trixie')),
    /^ {4}listen 127\.0\.0\.1:443 ssl default_server;\n {4}listen \[::1\]:443 ssl default_server;\n {4}http2 on;$/m,
  );
});

test('port 80 answers challenges and sends all else to our own name over HTTPS', () => {
  const text = conf(inputFor('trixie'));
  const plain = text.slice(text.indexOf('  server {'), text.indexOf('  server {', text.indexOf('  server {') + 1));
  assert.equal(
    plain,
    `  server {
    listen 127.0.0.1:80 default_server;
    listen [::1]:80 default_server;
    server_name mail.hauspost.test;
    location ^~ /.well-known/acme-challenge/ {
      root /var/www/acme;
      default_type text/plain;
      try_files $uri =404;
    }
    location / {
      # Our own name, not the one that the client's Host claims.
      return 301 "https://localhost\${request_uri}";
    }
  }
`,
  );
});

test('the web UI: the port and not the socket, and every header that names a client is replaced', () => {
  const text = conf(inputFor('trixie'));
  assert.match(text, /proxy_pass http:\/\/127\.0\.0\.1:11334\/;/);
  assert.doesNotMatch(text, /controller\.sock/);
  for (const header of ['X-Forwarded-For $remote_addr', 'X-Real-IP $remote_addr', 'Forwarded ""', 'Host mail.hauspost.test'])
    assert.ok(text.includes(`      proxy_set_header ${header};\n`), header);
});

test('the web UI: every way in limits the body, the large ones ask for the password first, and no error holds a query', () => {
  const text = conf(inputFor('trixie'));
  const ui = text.slice(text.indexOf('    location /rspamd/ {'), text.indexOf('    location = /rspamd-password {'));
  assert.match(ui, /^ {6}error_log stderr emerg;$/m);
  assert.match(ui, /^ {6}client_max_body_size 16k;$/m);
  const large = ui.slice(ui.indexOf('location ~ '));
  assert.match(large, /^ {8}auth_request \/rspamd-password;\n/m);
  assert.match(large, /^ {8}client_max_body_size 50m;$/m);
  assert.equal(text.split('client_max_body_size 50m').length, 2);
});

test('the web UI: Rspamd, which knows no HEAD, is asked by GET', () => {
  const text = conf(inputFor('bookworm'));
  assert.ok(text.includes('  map "$request_method" "$asked" {\n    default $request_method;\n    head GET;\n  }\n'), text);
  assert.match(text, /^ {6}proxy_method \$asked;$/m);
});

test('without the web UI nothing is proxied', () => {
  const input = inputFor('trixie');
  assert.doesNotMatch(conf({ ...input, settings: { ...input.settings, webUi: { enabled: false } } }), /proxy|limit_req|auth_request|map/);
});

test('Strict-Transport-Security only where clients trust the certificate', () => {
  const input = inputFor('trixie');
  assert.doesNotMatch(conf(input), /Strict-Transport/);
  assert.match(
    conf({ ...input, settings: { ...input.settings, tls: { ...input.settings.tls, source: 'files' } } }),
    /add_header Strict-Transport-Security max-age=31536000 always;/,
  );
});

test('the output of nginx -T is taken apart by files', () => {
  const output = '# configuration file /etc/nginx/nginx.conf:\na b;\n# c\n\n# configuration file /etc/nginx/mime.types:\ntypes {}\n';
  assert.deepEqual(
    [...filesRead(output)],
    [
      ['/etc/nginx/nginx.conf', 'a b;\n# c\n\n'],
      ['/etc/nginx/mime.types', 'types {}\n'],
    ],
  );
});
