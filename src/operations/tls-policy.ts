/** `tls-policy set`, `tls-policy list`, `tls-policy remove`. */
import { z } from 'zod';
import { parseParams, parsePolicy, parsePolicyDomain, tlsPolicies, type TlsPolicy } from '#directory';
import type { Finding } from '#model';
import { settingsInPlace } from './desired.ts';
import { listing, operation } from './operation.ts';
import { finding, fromDirectory, warned, withDirectory } from './people.ts';

const domain = z.string().describe('the domain of recipients such as example.org, or .example.org for all that are below it');
const policy = z.object({ domain: z.string(), policy: z.string(), params: z.string().nullable() });

/** Without validated DNS Postfix has no DANE: `dane` is then no more than `may`, and `dane-only` lets nothing out. */
const warnings = ({ policy: chosen, domain: name }: TlsPolicy, validate: boolean): readonly Finding[] => {
  if (validate || (chosen !== 'dane' && chosen !== 'dane-only')) return [];
  const effect = chosen === 'dane' ? 'mail goes out as with policy may' : 'no mail for it goes out';
  return [
    {
      level: 'warning',
      code: 'tls-policy.no-dnssec',
      message: `policy ${chosen} for ${name} needs DNSSEC, which is not validated here: ${effect}`,
      remedy: 'Let resolver.validate be true (hauspost config explain resolver.validate), or choose another policy.',
    },
  ];
};

export const set = operation({
  name: 'tls-policy set',
  summary: 'Says how mail for a domain is encrypted and who is trusted; otherwise DANE counts, where there is any.',
  example: 'hauspost tls-policy set example.org secure match=.example.net',
  positionals: [{ key: 'domain' }, { key: 'policy' }, { key: 'params', rest: true }],
  input: z.object({
    domain,
    policy: z.string().describe('none, may, encrypt, dane, dane-only, fingerprint, verify or secure'),
    params: z.array(z.string()).describe('name=value: match, protocols, ciphers, exclude, servername, connection_reuse'),
  }),
  output: policy.extend({ warnings: z.array(finding).readonly() }),
  needs: 'server',
  run: async (context, input) => {
    const chosen = parsePolicy(input.policy);
    const wanted = { domain: parsePolicyDomain(input.domain), policy: chosen, params: parseParams(chosen, input.params) };
    const validate = (await settingsInPlace(context))?.resolver.validate ?? true;
    const row = await withDirectory((directory) => tlsPolicies.set(directory, wanted));
    return { ...row, warnings: warned(context, warnings(row, validate)) };
  },
});

export const list = listing({
  name: 'tls-policy list',
  summary: 'Lists the domains for which a policy was set.',
  example: 'hauspost tls-policy list',
  positionals: [],
  input: z.object({}),
  element: policy,
  needs: 'server',
  elements: () => fromDirectory((directory) => tlsPolicies.list(directory)),
});

export const remove = operation({
  name: 'tls-policy remove',
  summary: 'Removes the policy of a domain.',
  example: 'hauspost tls-policy remove example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({ domain }),
  output: policy,
  needs: 'server',
  run: (_context, input) => withDirectory((directory) => tlsPolicies.remove(directory, parsePolicyDomain(input.domain))),
});
