/** Stays as a container's main process: until told to end, then stops the daemons in order. */
import { stopAll } from '#apply';
import { initOf } from '#machine';
import type { RenderInput } from '#model';
import { SERVICES } from '#services';
import type { Context } from './operation.ts';

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** A pending promise alone does not keep Node running; a timer that does nothing does. */
export const remain = async (context: Context, input: RenderInput): Promise<void> => {
  context.reporter.emit({ kind: 'info', text: 'the mail server runs; SIGTERM stops it' });
  const release = context.machine.keepAlive();
  await aborted(context.signal);
  release();
  await stopAll({ init: initOf(context.machine, input.facts), services: SERVICES, input, reporter: context.reporter });
};
