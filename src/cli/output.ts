/** Standard output for results of any length: written piece by piece, each only when the one before has gone. */
import { failure } from '#base';

/** Characters of a write; what is shorter than that comes whole or, if it fails, not at all. */
const PIECE = 65_536;

/** Part of the result has been printed and cannot be taken back: it stays without its end, and the reason is told on standard error alone. */
export class Unfinished extends Error {
  override readonly name = 'Unfinished';
}

/** Waits until the reader has room. False: nobody reads any more. */
const write = (text: string): Promise<boolean> =>
  new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(error === null || error === undefined));
  });

/** Stops without an error when nobody reads any more. Throws what `pieces` throws, as the cause of `Unfinished` if something was printed. */
export const print = async (pieces: AsyncIterable<string>, signal: AbortSignal): Promise<void> => {
  let [begun, held] = [false, ''];
  try {
    for await (const piece of pieces) {
      held += piece;
      if (held.length < PIECE) continue;
      if (signal.aborted)
        throw failure({
          code: 'list.interrupted',
          message: 'interrupted before the end of the list',
          remedy: 'Run the command again for all of it.',
        });
      begun = true;
      if (!(await write(held))) return;
      held = '';
    }
  } catch (error) {
    throw begun ? new Unfinished('the result breaks off', { cause: error }) : error;
  }
  await write(held);
};
