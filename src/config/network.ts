/** Where the server can be reached. */
import { isIPv4 } from 'node:net';
import { operatorError } from '#base';
import { ipAddresses } from './kinds.ts';
import { auto, type Circumstances, none, option, section } from './option.ts';

const EVERY = ['0.0.0.0', '::'];

/** An address that no interface has cannot be bound; better said before anything is touched. */
const assertHere = (bind: readonly string[], { facts }: Circumstances): void => {
  const here = [...facts.addresses.v4, ...facts.addresses.v6];
  const missing = bind.filter((address) => {
    if (isIPv4(address)) return address !== '0.0.0.0' && !address.startsWith('127.') && !here.includes(address);
    return address === '::' || address === '::1' ? !facts.ipv6 : !here.includes(address);
  });
  if (missing.length === 0) return;
  throw operatorError({
    code: 'config.address-not-here',
    message: `network.bind names ${missing.join(' and ')}, which this machine does not have`,
    remedy: `This machine has ${['127.0.0.1', ...(facts.ipv6 ? ['::1'] : []), ...here].join(', ')}; or write bind = "auto" below [network].`,
    detail: { path: 'network.bind', missing },
  });
};

export const network = section({
  name: 'network',
  doc: 'Where the server can be reached.',
  options: {
    /** Addresses the mail and web ports are bound to; `0.0.0.0` and `::` for all. */
    bind: option({
      key: 'bind',
      kind: ipAddresses(64),
      default: auto('in profile "local" 127.0.0.1 and, where the machine has IPv6, ::1; in profile "public" 0.0.0.0 and ::, which are all addresses'),
      doc: 'The addresses of this machine on which the mail and web ports listen. In profile "public" mail to others leaves by them as well: of IPv4 and of IPv6 by the only public address named here, and not by one of the two of which none is named.',
      why: 'To be written where a machine has several addresses and one of them is for mail.',
      example: ['192.0.2.25', '2001:db8::25'],
      since: '0.1',
    }),
    publicAddresses: option({
      key: 'public_addresses',
      kind: ipAddresses(64),
      default: none,
      doc: 'The addresses by which the world reaches this server, where they are those of a router or proxy in front of it (NAT) and no interface here has them.',
      why: 'Without NAT the machine knows its addresses. Behind it, it would hand mail for a domain whose MX it is, and of which it knows nothing, to itself, again and again.',
      example: ['203.0.113.25'],
      since: '0.1',
    }),
  },
  rules: ({ wants: { bind = [] } }) =>
    EVERY.flatMap((every) => {
      const specific = bind.find((address) => !EVERY.includes(address) && isIPv4(address) === isIPv4(every));
      if (!bind.includes(every) || specific === undefined) return [];
      const message = `network.bind names ${every}, which is every address, and ${specific} besides`;
      return [{ at: 'bind', code: 'config.exclusive' as const, message, remedy: `Write ${every} or ${specific}, not both.` }];
    }),
  settings: (wants, circumstances) => {
    const { profile, facts } = circumstances;
    const [v4, v6] = profile === 'local' ? ['127.0.0.1', '::1'] : ['0.0.0.0', '::'];
    const bind = wants.bind ?? (facts.ipv6 ? [v4, v6] : [v4]);
    assertHere(bind, circumstances);
    return { ...wants, bind, publicAddresses: wants.publicAddresses ?? [] };
  },
});
