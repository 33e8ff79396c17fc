/** The slices put together into main.cf and master.cf. */
import { path, type Text } from '#base';
import { type Row, renderMainCf, renderMasterCf } from '#formats';
import type { RenderInput } from '#model';
import { delivery } from './delivery.ts';
import { limits } from './limits.ts';
import { logging } from './logging.ts';
import { maps } from './maps.ts';
import { milter } from './milter.ts';
import { network } from './network.ts';
import { notices } from './notices.ts';
import { processes } from './processes.ts';
import { protocol } from './protocol.ts';
import { queue } from './queue.ts';
import { relay } from './relay.ts';
import { restrictions } from './restrictions.ts';
import { screening } from './screening.ts';
import { masterServices } from './services.ts';
import { tls } from './tls.ts';

export const MAIN_CF = path('/etc/postfix/main.cf');
export const MASTER_CF = path('/etc/postfix/master.cf');

const rows = (input: RenderInput): readonly Row[] => [
  ...network(input),
  ...logging(input),
  ...queue(input),
  ...notices(input),
  ...limits(input),
  ...processes(input),
  ...protocol,
  ...tls(input),
  ...maps(input),
  ...delivery(input),
  ...relay(input),
  ...milter(input),
  ...screening(input),
  ...restrictions(input),
];

export const mainText = (input: RenderInput): Text => renderMainCf(rows(input), input.facts.versions.postfix);
export const masterText = (input: RenderInput): Text => renderMasterCf(masterServices(input), input.facts.versions.postfix);
