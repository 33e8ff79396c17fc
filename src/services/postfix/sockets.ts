/**
 * Sockets of other daemons, as Postfix names them: relative to the queue directory, which is the root of a chrooted process
 * and the working directory of any other, so that one name serves both.
 */
import { bug } from '#base';
import type { SocketName, Wiring } from '#model';

export const socketPath = ({ sockets, places }: Wiring, name: SocketName): string => {
  const [socket, queue] = [sockets[name].path, `${places['postfix-queue']}/`];
  if (!socket.startsWith(queue)) throw bug(`the socket ${socket} is not below ${queue}: a chrooted smtpd cannot reach it`);
  return socket.slice(queue.length);
};

export const socketName = (wiring: Wiring, name: SocketName): string => `unix:${socketPath(wiring, name)}`;
