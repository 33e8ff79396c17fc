/** Mail for accounts goes to Dovecot by LMTP (RFC 2033), which answers for each recipient; the rest follows MX. */
import type { Row } from '#formats';
import type { RenderInput } from '#model';
import { socketName } from './sockets.ts';

export const delivery = ({ wiring }: RenderInput): readonly Row[] => [{ set: 'virtual_transport', to: `lmtp:${socketName(wiring, 'lmtp')}` }];
