/** What Rspamd says it found in a message: its history, as its web page shows it. */
import { exchange, httpRequest } from './http.ts';
import type { Machine } from './machine.ts';
import { until } from './process.ts';

export interface Scan {
  readonly 'message-id': string;
  readonly subject: string;
  readonly score: number;
  readonly action: string;
  readonly symbols: Readonly<Record<string, { readonly score: number; readonly options?: readonly string[] }>>;
}

/** From the answer to `/history`; latest first. `id` without angle brackets. */
export const scansIn = (body: string, id: string): readonly Scan[] =>
  (JSON.parse(body) as { readonly rows: readonly Scan[] }).rows.filter((row) => row['message-id'] === id);

/** All scans of the message; waits for the first. Its row is written after the answer was given. */
export const scansOf = async (machine: Machine, id: string): Promise<readonly Scan[]> => {
  const password = (await machine.run(['cat', '/var/lib/hauspost/secrets/rspamd.controller.password'])).stdout.trim();
  return until(
    `${id} is in the history`,
    async () => {
      const socket = await machine.dial({ host: '127.0.0.1', port: 11334 });
      const { status, body } = await exchange(socket, httpRequest('/history', { headers: [`Password: ${password}`] }));
      if (status !== 200) throw new Error(`/history: ${status} ${body}`);
      const found = scansIn(body, id);
      return found.length === 0 ? undefined : found;
    },
    30_000,
    200,
  );
};
