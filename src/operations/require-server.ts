/** What commands of an operation that needs a server are asked before anything else. */
import { HauspostError } from '#base';
import { storeOf } from './desired.ts';
import { noServer } from './no-server.ts';
import type { Context } from './operation.ts';

/** Throws `server.none`. A change that was interrupted, or goes on at this moment, is about a server; what is damaged is told by whoever needs it. */
export const requireServer = async (context: Context): Promise<void> => {
  const state = await storeOf(context)
    .state()
    .catch((error: unknown) => {
      if (error instanceof HauspostError && error.code === 'store.damaged') return undefined;
      throw error;
    });
  if (state?.committed === null && state.entering === null) throw noServer(context);
};
