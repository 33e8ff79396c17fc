/** Test machines: freshly built Debian, in rooms and booted. Front door of the lab. */
export { checker } from './checker.ts';
export type { Inside, InsideOptions } from './enter.ts';
export { labAvailable } from './host.ts';
export { type BootOptions, boot, derive, type Image, type Machine } from './machine.ts';
export { image, installable, type Stage } from './images.ts';
export type { Init, Kind, Release } from './kinds.ts';
export { type Addresses, type Host, type Network, network } from './network.ts';
export { type Child, collect, ended, type Output, until } from './process.ts';
export type { Files, Room } from './room.ts';
export { type Forward, type Sockets, socketsOf, type Target } from './sockets.ts';
export { BROUGHT, served, shownPassword, type UpRecord, upRecord } from './served.ts';
export { Dialogue, type TlsTrust } from './dialogue.ts';
export { CLIENT, CLIENT_NAME, fetched, HAUSPOST, type Login, type Server, serve, STRANGER } from './mail.ts';
export { type Outside, outside, type Received } from './outside.ts';
export { ManageSieve, type SieveReply } from './sieve.ts';
export { type Reply, Smtp } from './smtp.ts';
export { atTerminal, directoryDump, filesDigest, NODE, oneDocument, refusedInput, runMany, type Wrong } from './command.ts';
