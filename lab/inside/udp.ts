/**
 * Sends one datagram from a network namespace and says what became of it: `answered`, `refused` (the other machine said that nobody
 * is there) or `silent` (nothing within the limit). Arguments: address, port, content as hexadecimal digits, limit in milliseconds.
 */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

const [host = '', port = '', content = '', ms = ''] = process.argv.slice(2);
const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');

const say = (word: string): void => {
  process.stdout.write(word);
  process.exit(0);
};

socket.on('message', () => say('answered'));
socket.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'ECONNREFUSED') say('refused');
  else throw error;
});
// Connected, so that the kernel hands us the ICMP error.
socket.connect(Number(port), host, () => socket.send(Buffer.from(content, 'hex')));
setTimeout(() => say('silent'), Number(ms));
