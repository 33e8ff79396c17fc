/** When packages were configured, from dpkg's own log (dpkg(1), `--log`): `DATE TIME configure PACKAGE:ARCH ...` to `DATE TIME status installed PACKAGE:ARCH VERSION`. */
import { path } from '#base';
import type { Machine } from './machine.ts';

export interface Configured {
  readonly package: string;
  readonly version: string;
  readonly from: Date;
  readonly to: Date;
}

/** The log rotates each month. */
const LOGS = [path('/var/log/dpkg.log.1'), path('/var/log/dpkg.log')];

const LINE = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:(configure)|status (installed)) ([a-z0-9][a-z0-9.+-]*)(?::\S+)? (\S+)/;

/** Oldest first. Times in the log are local and of whole seconds. */
export const configured = async (machine: Machine): Promise<readonly Configured[]> => {
  const begun = new Map<string, Date>();
  const found: Configured[] = [];
  for (const log of LOGS) {
    for (const line of ((await machine.read(log))?.toString() ?? '').split('\n')) {
      const [, day, time, configure, , name = '', version = ''] = LINE.exec(line) ?? [];
      if (day === undefined) continue;
      const at = new Date(`${day}T${time}`);
      if (configure !== undefined) begun.set(name, at);
      else found.push({ package: name, version, from: begun.get(name) ?? at, to: new Date(at.getTime() + 1000) });
    }
  }
  return found;
};
