/** Progress for a person, on standard error: one line a step. A program's own output is kept, and shown when its step fails. */
import { readable, type Reporter, type ReportEvent } from '#base';

const KEEP = 15;

export const stderrReporter = (write: (text: string) => void, now: () => number): Reporter => {
  const begun = new Map<string, number>();
  let output: string[] = [];
  const done = (event: ReportEvent & { kind: 'step' }): string => {
    const seconds = (now() - (begun.get(event.step) ?? now())) / 1000;
    return seconds >= 1 ? ` (${seconds.toFixed(1)} s)` : '';
  };
  return {
    emit: (event) => {
      switch (event.kind) {
        case 'step':
          if (event.state === 'begin') {
            begun.set(event.step, now());
            output = [];
            write(`... ${event.step}\n`);
          } else if (event.state === 'done') write(` ok ${event.step}${done(event)}\n`);
          else
            write(
              `${output
                .slice(-KEEP)
                .map((line) => `    ${line}\n`)
                .join('')}  ! ${event.step} failed${done(event)}\n`,
            );
          return;
        case 'info':
          write(readable(`    ${event.text}\n`));
          return;
        case 'warning':
          write(readable(`warning: ${event.text}\n         ${event.remedy}\n`));
          return;
        case 'password':
          write(
            `password of ${readable(event.whose)}: ${event.password}\n         ${event.kept === undefined ? 'It is shown only now.' : `Root finds it in ${event.kept}, too.`}\n`,
          );
          return;
        case 'output':
          output.push(event.line);
          return;
      }
    },
  };
};
