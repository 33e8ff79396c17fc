/** Postfix' queue, as postqueue(1) -j shows it: one JSON object a line. */
import { z } from 'zod';

/** `delay_reason`: why the last attempt failed. */
const recipient = z.object({ address: z.string(), delay_reason: z.string().optional() });
const message = z.object({ queue_name: z.string(), queue_id: z.string(), recipients: z.array(recipient) });
export type Queued = z.output<typeof message>;

export const parsePostqueue = (text: string): readonly Queued[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => message.parse(JSON.parse(line)));
