/** An authority that signs nothing any more: it takes accounts, and refuses each order as one too many (RFC 8555, section 6.6). Of ACME it knows no more than that. */
import { createServer } from 'node:https';
import { makeCertificate } from './exim.ts';
import type { ForeignHost } from './host.ts';

export const LIMITED = 'too many certificates already issued for this set of names in the last 168 hours';

const problem = JSON.stringify({ type: 'urn:ietf:params:acme:error:rateLimited', detail: LIMITED, status: 429 });

/** Answers with the address of its directory. */
export const limitedAuthority = async (host: ForeignHost): Promise<string> => {
  const { name, addresses } = host;
  await makeCertificate(host, { certificate: 'authority', domain: name });
  const file = async (what: string): Promise<string> => (await host.must(['cat', `/srv/tls/${what}.pem`])).stdout;
  const at = (target: string): string => `https://${name}/${target}`;
  const directory = JSON.stringify({
    newNonce: at('nonce'),
    newAccount: at('account'),
    newOrder: at('order'),
    revokeCert: at('revoke'),
    keyChange: at('key'),
  });
  const server = createServer({ key: await file('key'), cert: await file('chain') }, (request, response) => {
    const json = (status: number, body: string, headers = {}): void => {
      const type = status >= 400 ? 'application/problem+json' : 'application/json';
      response.writeHead(status, { 'Replay-Nonce': 'bm9uY2U', 'Content-Type': type, ...headers }).end(body);
    };
    request.resume();
    if (request.url === '/dir') json(200, directory);
    else if (request.url === '/account') json(201, '{"status":"valid"}', { Location: at('account/1') });
    else if (request.url === '/order') json(429, problem);
    else json(200, '');
  });
  for (const address of Object.values(addresses)) {
    const listening = await host.listen({ host: address, port: 443 });
    listening.on('connection', (socket) => server.emit('connection', socket)).unref();
  }
  return at('dir');
};
