/**
 * `cert challenge`: puts what an authority looks for in DNS (DNS-01, RFC 8555 section 8.4), or takes it away. certbot calls it for each name, and asks the
 * authority to look once it has ended: so it ends when every name server of the zone shows the record. Where the name of the record is an alias, it is put
 * where that leads.
 */
import { z } from 'zod';
import { operatorError, parseFqdn } from '#base';
import { inPlaceForCertificates } from './cert.ts';
import { noting } from './challenges-not-put.ts';
import { put, takeAway } from './challenges-put.ts';
import { type Place, placeFor, seenEverywhere, serverOf } from './dns-challenge.ts';
import { operation } from './operation.ts';

/** RFC 8555 section 8.4: SHA-256 in base64url without padding. */
const DIGEST = /^[A-Za-z0-9_-]{43}$/;

export const challenge = operation({
  name: 'cert challenge',
  summary:
    'Puts the record of a challenge into its zone and waits until it is seen, or takes it away; certbot calls it where tls.challenge is "dns".',
  example: 'hauspost cert challenge put mail.example.org gfj9Xq...Rg85nM',
  positionals: [{ key: 'what' }, { key: 'name' }, { key: 'text' }],
  input: z.object({
    what: z.enum(['put', 'take-away']).describe('put or take-away'),
    name: z.string().describe('the name that is certified'),
    text: z.string().describe('what the authority looks for'),
  }),
  output: z.object({ name: z.string(), zone: z.string() }),
  needs: 'server',
  run: async (context, { what, name: typed, text }) => {
    const certified = parseFqdn(typed);
    if (!DIGEST.test(text))
      throw operatorError({
        code: 'input.challenge',
        message: `${JSON.stringify(text.slice(0, 80))} is no text that an authority looks for`,
        remedy: 'certbot hands it over in CERTBOT_VALIDATION: 43 characters.',
      });
    const { input } = await inPlaceForCertificates(context);
    const placed = async (): Promise<Place> => {
      const server = await serverOf(context, input);
      const place = await placeFor(server, certified);
      await (what === 'put' ? put : takeAway)(context, input, server, { ...place, text });
      if (what === 'put') await seenEverywhere(context, input, { name: place.name, type: 'TXT', data: { text } });
      return place;
    };
    return what === 'put' ? noting(context, input, certified, placed) : placed();
  },
});
