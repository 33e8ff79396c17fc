/** Datagrams from a machine's or a host's network namespace: is anybody there? */
import { join } from 'node:path';
import { type Holder, inNetwork } from './namespace.ts';

/** `localhost. A IN` (RFC 1035 4.1): a resolver knows it without asking anybody. */
const DNS_QUESTION = Buffer.concat([Buffer.from('2a2a01000001000000000000', 'hex'), Buffer.from('\tlocalhost\0\0\x01\0\x01', 'latin1')]);

/** Sends a DNS question. `refused`: the other end says that nobody is there. `silent`: no answer within twenty seconds. */
export const askUdp = async ({ holder }: { readonly holder: Holder }, host: string, port: number): Promise<string> => {
  const program = join(import.meta.dirname, 'inside/udp.ts');
  const argv = [process.execPath, program, host, String(port), DNS_QUESTION.toString('hex'), '20000'];
  return (await inNetwork(holder.netns, argv)).stdout;
};
