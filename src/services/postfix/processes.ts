/**
 * How much Postfix does at once (TUNING_README, postconf(5)). An smtpd(8) in a dialogue has 2 MB of its own, with its cleanup(8) 3 MB, and each port
 * has as many as the limit says; so a small machine has fewer, and says "later" to the rest, instead of swapping. Pure.
 */
import { within } from '#base';
import type { Row } from '#formats';
import type { Facts } from '#machine';
import type { RenderInput } from '#model';

export interface Sizes {
  /** Of each kind: dialogues on one port, deliveries to other servers. */
  readonly processes: number;
  /** Of these, for one client. */
  readonly perClient: number;
  /** Deliveries to Dovecot at once. */
  readonly deliveries: number;
  /** Of these, to one account. */
  readonly perAccount: number;
  /**
   * Of proxymap(8), of which each has up to a connection to the database for each question. One answers many clients, and another one comes where all are
   * busy: where the database stands still for a moment that is one for each client, and then there would be more connections than it has.
   */
  readonly askers: number;
}

/** Clients at postscreen(8), as Postfix has it by itself. */
const WAITING = 100;

export const sizes = ({ cores, memoryMb }: Pick<Facts, 'cores' | 'memoryMb'>): Sizes => {
  const processes = within(memoryMb / 16, 32, 500);
  const deliveries = within(Math.min(memoryMb / 128, cores * 10), 4, 50);
  return {
    processes,
    perClient: within(processes / 4, 10, 50),
    deliveries,
    perAccount: within(deliveries / 4, 2, 10),
    askers: within(memoryMb / 192, 4, 16),
  };
};

export const processes = ({ facts }: RenderInput): readonly Row[] => {
  const { processes: most, perClient, perAccount } = sizes(facts);
  const waiting = Math.max(most, WAITING);
  return [
    { set: 'default_process_limit', to: most, why: 'By memory: 64 for each GB.' },
    {
      set: 'postscreen_pre_queue_limit',
      to: waiting,
      why: 'Each waits some seconds for the greeting; postscreen(8) is one process, whatever their number.',
    },
    { set: 'postscreen_post_queue_limit', to: waiting },
    { set: 'smtpd_client_connection_count_limit', to: perClient, why: 'One client takes no more than a quarter.' },
    {
      set: 'lmtp_destination_recipient_limit',
      to: 1,
      why: "Accounts are destinations of their own, by their local part: what one's Sieve script takes, or breaks off, is no other's delivery.",
    },
    { set: 'lmtp_destination_concurrency_limit', to: perAccount, why: 'One account takes no more than a quarter, or two.' },
    { set: 'lmtp_connection_cache_on_demand', to: false, why: "Dovecot limits a connection's CPU, and all accounts would share the connections." },
  ];
};
