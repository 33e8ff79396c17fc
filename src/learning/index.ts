/** Learning in bulk (C14): every message of a folder is shown to the filter as spam or as ham. */
import { type AbsPath, failure, type Reporter } from '#base';
import type { Machine } from '#machine';
import { type Class, teach, type Verdict } from './controller.ts';
import { messageFiles, type Skipped, whyNot } from './messages.ts';
import { hashOf, openRecord, type Record } from './record.ts';

export type { Class } from './controller.ts';
export type { Skipped } from './messages.ts';

export interface Lesson {
  readonly folder: AbsPath;
  readonly as: Class;
  readonly controller: AbsPath;
  readonly redis: AbsPath;
}

export interface Learned {
  readonly learned: number;
  readonly known: number;
  readonly skipped: readonly Skipped[];
}

/** Messages between two writes of the record; as many are learned anew after a SIGKILL at worst. */
const BATCH = 50;
const SAY_EVERY_MS = 2000;

interface Count {
  learned: number;
  known: number;
  skipped: Skipped[];
}

interface Work extends Lesson {
  readonly machine: Machine;
  readonly record: Record;
  readonly signal: AbortSignal;
}

/** One at a time in memory; a message is removed or renamed by its owner at any time: then it is not there, which is no error. */
const hashesOf = async (machine: Machine, files: readonly AbsPath[]): Promise<readonly (readonly [AbsPath, string])[]> => {
  const found: (readonly [AbsPath, string])[] = [];
  for (const file of files) {
    const content = await machine.read(file);
    if (content !== undefined) found.push([file, hashOf(content)]);
  }
  return found;
};

const learnOne = async ({ machine, as, controller }: Work, file: AbsPath): Promise<Verdict | undefined> => {
  const content = await machine.read(file);
  if (content === undefined) return undefined;
  const reason = whyNot(content);
  return reason === undefined ? teach(controller, as, content) : { became: 'refused', reason };
};

const learnBatch = async (work: Work, files: readonly AbsPath[], count: Count): Promise<void> => {
  const { machine, record, signal, as } = work;
  const messages = await hashesOf(machine, files);
  if (messages.length === 0) return;
  const recorded = await record.find(messages.map(([, hash]) => hash));
  const done: string[] = [];
  try {
    for (const [index, [file, hash]] of messages.entries()) {
      if (signal.aborted) return;
      const verdict = recorded[index] === as || done.includes(hash) ? ({ became: 'known' } as const) : await learnOne(work, file);
      if (verdict === undefined) continue;
      if (verdict.became === 'refused') count.skipped.push({ file, reason: verdict.reason });
      else {
        count[verdict.became] += 1;
        done.push(hash);
      }
    }
  } finally {
    await record.add(done, as);
  }
};

/**
 * Learns what is not known yet. Ends after the message at hand when `signal` is aborted, by throwing `learning.interrupted`; what was learned
 * until then is known the next time. Throws `learning.folder`, `learning.no-filter` and `learning.no-memory`.
 */
export const learnFolder = async (machine: Machine, lesson: Lesson, reporter: Reporter, signal: AbortSignal): Promise<Learned> => {
  const files = await messageFiles(machine, lesson.folder);
  const work: Work = { ...lesson, machine, record: await openRecord(machine, lesson.redis), signal };
  const count: Count = { learned: 0, known: 0, skipped: [] };
  const sofar = (at: number): string =>
    `${at} of ${files.length} messages: ${count.learned} new, ${count.known} known, ${count.skipped.length} skipped`;
  let said = machine.now().getTime();
  for (let at = 0; at < files.length; at += BATCH) {
    await learnBatch(work, files.slice(at, at + BATCH), count);
    if (signal.aborted) {
      const seen = count.learned + count.known + count.skipped.length;
      throw failure({ code: 'learning.interrupted', message: `interrupted after ${sofar(seen)}`, remedy: 'Run it again: it goes on with the rest.' });
    }
    const now = machine.now().getTime();
    if (now - said >= SAY_EVERY_MS) {
      said = now;
      reporter.emit({ kind: 'info', text: sofar(Math.min(at + BATCH, files.length)) });
    }
  }
  return count;
};
