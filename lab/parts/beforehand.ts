/** C1: what nobody would call a mail server, and `up` has to get along with. */
import type { Machine } from '../index.ts';
import { ok } from '../people.ts';

/** Spelled in many ways, one of them twice, and one of a link that may come. */
const RESOLVERS = ['fe80::1%eth9', '2001:0DB8::53', '2001:db8:0::53'].map((address) => `nameserver ${address}\n`).join('');

/** Somebody has made the group, and not the user. */
export const beforehand = async (machine: Machine): Promise<void> => {
  ok(await machine.run(['sh', '-c', 'groupadd --system vmail && cat >/etc/resolv.conf'], { input: RESOLVERS }));
};
