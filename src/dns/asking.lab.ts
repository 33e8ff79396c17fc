/** The asker as it is, in the network of a room. */
import { Socket } from 'node:net';
import { type Room, type Sockets, socketsOf } from '#lab';
import { exchangeBy, thisMachine } from '#machine';
import type { AskingHands } from './asking.ts';

export const socketsIn = ({ pid }: Room): Sockets => socketsOf(`/proc/${pid}/ns/net`);

/** By IPv4: Node 24.21.0 cannot connect a socket of IPv6 that was handed over (EINVAL). */
export const handsIn = ({ datagrams, dial }: Sockets): AskingHands => ({
  ...thisMachine(),
  exchange: exchangeBy({
    datagrams: () => datagrams({ host: '0.0.0.0', port: 0 }),
    // One of this machine's own says itself what came in its way.
    stream: (to) => dial(to).catch((error: Error) => new Socket().destroy(error)),
  }),
});
