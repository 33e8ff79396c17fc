/** Where the self-test finds the mail ports, and where it comes from as a stranger, by what is bound. */
import { isIPv4 } from 'node:net';
import { listenersOf, reachable, type RenderInput } from '#model';
import type { Target } from '#selftest';
import { STRANGER } from '#services';

/** The stranger of profile `local` has an address of IPv4, so it meets the server there; where that is bound to IPv6 alone, the server itself is its own stranger. */
export const placeOf = ({
  settings,
  wiring,
}: Pick<RenderInput, 'settings' | 'wiring'>): Pick<Target, 'host'> & { readonly stranger: Target['stranger'] | undefined } => {
  const bound = listenersOf(wiring, 'postfix', 'smtp').map(({ address }) => reachable(address));
  const local = settings.profile === 'local';
  const host = (local ? bound.find((address) => isIPv4(address)) : undefined) ?? bound[0] ?? '127.0.0.1';
  if (!local) return { host, stranger: undefined };
  return { host, stranger: { ...(isIPv4(host) ? { localAddress: STRANGER } : {}), helo: 'mail.outside.test', domain: 'outside.test' } };
};
