/**
 * Mail that began on this machine, to any name of the host that has no mailbox: cron and the like send as and to Unix accounts. Whoever
 * the postmaster is gets it. Where nobody receives the postmaster's mail it waits in the queue: there is no sender who could be told.
 */
import type { Settings } from '#config';

const inline = (key: string, value: string): string => `inline:{{${key} = ${value}}}`;

export const everyName = ({ hostname, postmaster }: Settings): string => inline(`@${hostname}`, postmaster);

/** Knows the postmaster's address and nothing else. */
export const postmasterOnly = ({ postmaster }: Settings): string => inline(postmaster, postmaster);
