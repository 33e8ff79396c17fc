/** Work that somebody keeps an eye on. */
import { setTimeout as pause } from 'node:timers/promises';

/** What `work` comes to, unless `look` finds a reason not to wait for it: that is thrown. It looks every so many milliseconds, and is told those since the beginning. */
export const lookingOn = async <T>(work: Promise<T>, everyMs: number, look: (sinceMs: number) => Promise<Error | undefined>): Promise<T> => {
  const over = new AbortController();
  const begun = performance.now();
  const onlooker = async (): Promise<never> => {
    for (;;) {
      await pause(everyMs, undefined, { signal: over.signal });
      const reason = await look(performance.now() - begun);
      if (reason !== undefined) throw reason;
    }
  };
  try {
    return await Promise.race([work, onlooker()]);
  } finally {
    over.abort();
  }
};
