/** What a service manager needs to know of each daemon, as items: a drop-in beside Debian's unit, or a run script with its log. */
import { type AbsPath, path } from '#base';
import { renderRunScript, renderSystemd } from '#formats';
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

const dropIn = (service: Service, input: RenderInput): readonly Item[] => {
  const unit = service.unit(input);
  if (unit.dropIn === undefined) return [];
  const sections = [...new Set(unit.dropIn.map((line) => line.section))].map((section) => ({
    block: section,
    rows: unit.dropIn?.filter((line) => line.section === section).map(({ set, to }) => ({ set, to })) ?? [],
  }));
  const folder = path(`/etc/systemd/system/${unit.systemd}.d`);
  return [dir(folder), file(`${folder}/hauspost.conf`, 0o644, renderSystemd(sections), service)];
};

/** svlogd(8): rotates at 1 MB, keeps ten; lines carry a UTC time. */
const runScripts = (service: Service, input: RenderInput): readonly Item[] => {
  const unit = service.unit(input);
  const [folder, logs] = [path(`${RUNIT_DIR}/${service.name}`), path(`${RUNIT_LOGS}/${service.name}`)];
  return [
    dir(folder),
    dir(path(`${folder}/log`)),
    dir(logs),
    file(`${folder}/run`, 0o755, renderRunScript(unit.prepare, unit.foreground), service),
    file(`${folder}/log/run`, 0o755, renderRunScript([], ['svlogd', '-tt', logs]), service),
    // runsv starts nothing that has this file: `up` starts in order.
    file(`${folder}/down`, 0o644, [''], service),
  ];
};

export const unitItems = (service: Service, input: RenderInput): readonly Item[] =>
  input.facts.init === 'systemd' ? dropIn(service, input) : runScripts(service, input);
