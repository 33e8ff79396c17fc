/** What a service manager needs to know of each daemon, as items: a drop-in beside Debian's unit, or a run script with its log. */
import { type AbsPath, path } from '#base';
import { renderFinishScript, renderRunScript, renderSystemd } from '#formats';
import { RUNIT_DIR, RUNIT_LOGS } from '#machine';
import type { Item, RenderInput, Service } from '#model';

const ROOT = { owner: 'root:root' };

const file = (target: string, mode: number, text: Extract<Item, { kind: 'file' }>['text'], service: Service): Item => ({
  kind: 'file',
  path: path(target),
  text,
  ...ROOT,
  mode,
  wakes: [{ service: service.name, by: 'restart' }],
});

const dir = (target: AbsPath): Item => ({ kind: 'dir', path: target, ...ROOT, mode: 0o755, exclusive: false });

/** Who writes to whom is nobody's business: as with Debian's own logs, members of `adm` read along. svlogd(8) makes its files for everybody. */
const logDir = (target: AbsPath): Item => ({ kind: 'dir', path: target, owner: 'root:adm', mode: 0o750, exclusive: false });

/**
 * Whoever is killed comes back, however often: by default systemd gives a unit up for good that was started five times within ten
 * seconds, and a daemon that the kernel kills for want of memory, or that waits for another one, is soon there (systemd.unit(5)).
 */
const COMES_BACK = [
  { section: 'Unit', set: 'StartLimitIntervalSec', to: '0' },
  { section: 'Service', set: 'RestartSec', to: '1' },
] as const;

/** systemd.unit(5): also at boot each waits for those before it, and is stopped before them, or its first words would be complaints. */
const dropIn = (service: Service, before: readonly Service[], input: RenderInput): readonly Item[] => {
  const unit = service.unit(input);
  const order = { section: 'Unit', set: 'After', to: before.map((other) => other.unit(input).systemd).join(' ') };
  const lines = [...(before.length === 0 ? [] : [order]), ...COMES_BACK, ...(unit.dropIn ?? [])];
  const sections = [...new Set(lines.map((line) => line.section))].map((section) => ({
    block: section,
    rows: lines.filter((line) => line.section === section).map(({ set, to }) => ({ set, to })),
  }));
  const folder = path(`/etc/systemd/system/${unit.systemd}.d`);
  return [dir(folder), file(`${folder}/hauspost.conf`, 0o644, renderSystemd(sections), service)];
};

/** Lines of the log carry a UTC time (svlogd(8)). */
const runScripts = (service: Service, input: RenderInput): readonly Item[] => {
  const unit = service.unit(input);
  const [folder, logs] = [path(`${RUNIT_DIR}/${service.name}`), path(`${RUNIT_LOGS}/${service.name}`)];
  const group = unit.leavesProcesses === true ? `${folder}/group` : undefined;
  return [
    dir(folder),
    dir(path(`${folder}/log`)),
    logDir(logs),
    file(`${folder}/run`, 0o755, renderRunScript(unit.prepare, unit.foreground, group), service),
    ...(group === undefined ? [] : [file(`${folder}/finish`, 0o755, renderFinishScript(group), service)]),
    file(`${folder}/log/run`, 0o755, renderRunScript([], ['svlogd', '-tt', logs]), service),
    // runsv starts nothing that has this file: `up` starts in order.
    file(`${folder}/down`, 0o644, [''], service),
  ];
};

/** `before`: the services that start before this one. */
export const unitItems = (service: Service, before: readonly Service[], input: RenderInput): readonly Item[] =>
  input.facts.init === 'systemd' ? dropIn(service, before, input) : runScripts(service, input);
