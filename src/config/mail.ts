/** Limits of messages, mailboxes and the queue. */
import { hours, period, size, wholeNumber } from './kinds.ts';
import { fixed, option, section } from './option.ts';

/** As somebody writes so many hours. */
const inHours = (hours: number): string => (hours % 24 === 0 ? `${hours / 24}d` : `${hours}h`);

export const mail = section({
  name: 'mail',
  doc: 'Limits of messages, mailboxes and the queue.',
  options: {
    messageSizeLimit: option({
      key: 'message_size_limit',
      kind: size('1M', '1G'),
      default: fixed('50M'),
      doc: 'The largest message that is taken, as it is sent: attachments grow by a third on the way. The spam filter follows it.',
      why: 'Large providers take about as much; what is larger could not be passed on to them.',
      example: '100M',
      since: '0.1',
    }),
    /** For accounts whose quota is NULL; 0 is unlimited. */
    defaultQuota: option({
      key: 'default_quota',
      kind: size('1M', '1024T', 'unlimited'),
      default: fixed('1G'),
      doc: 'How much mail an account may hold that has no quota of its own.',
      why: 'One forgotten mailbox must not fill the disk for everybody.',
      example: '5G',
      since: '0.1',
    }),
    queueLifetimeHours: option({
      key: 'queue_lifetime',
      kind: hours('1h', '30d'),
      default: fixed('5d'),
      doc: 'How long a message is tried again that cannot be delivered, before it goes back to its sender.',
      why: 'RFC 5321 section 4.5.4.1 asks for four to five days: a server that is down on Friday is mended on Monday.',
      example: '3d',
      since: '0.1',
    }),
    bounceLifetimeHours: option({
      key: 'bounce_lifetime',
      kind: hours('1h', '30d'),
      default: fixed('1d'),
      doc: 'How long a notice about an undeliverable message is tried. Not longer than queue_lifetime.',
      why: 'Most of those that cannot be delivered at once answer forged senders.',
      example: '2d',
      since: '0.1',
    }),
    recipientsPerMessage: option({
      key: 'recipients_per_message',
      kind: wholeNumber(100, 10_000),
      default: fixed(1000),
      doc: 'How many recipients one message may have. Who sends to more is asked to come again for the rest.',
      why: 'RFC 5321 section 4.5.3.1.8 asks for at least 100; 1000 is what Postfix itself takes.',
      example: 200,
      since: '0.1',
    }),
    /** Null: never. */
    expireSpamSeconds: option({
      key: 'expire_spam',
      kind: period('1d', '3650d'),
      default: fixed('never'),
      doc: 'How long mail stays in the folder Spam, counted from when it came there; what is older is deleted for good. It counts towards the quota until then.',
      why: 'Nobody loses mail without having asked for it. But spam that nobody deletes fills the mailbox in the end, and then mail is refused: 30d leaves a month to look.',
      example: '30d',
      since: '0.2',
    }),
    /** Null: never. */
    expireTrashSeconds: option({
      key: 'expire_trash',
      kind: period('1d', '3650d'),
      default: fixed('never'),
      doc: 'The same for the folder Trash.',
      why: 'As for expire_spam; some people keep there what they want to find again.',
      example: '90d',
      since: '0.2',
    }),
  },
  rules: ({ wants: { queueLifetimeHours: queue, bounceLifetimeHours: bounce } }) => {
    if (queue === undefined || bounce === undefined || bounce <= queue) return [];
    const message = `mail.bounce_lifetime (${inHours(bounce)}) is longer than mail.queue_lifetime (${inHours(queue)})`;
    return [{ at: 'bounce_lifetime', code: 'config.exclusive', message, remedy: `Write bounce_lifetime = "${inHours(queue)}" or less.` }];
  },
  settings: (wants) => wants,
});
