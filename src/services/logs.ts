/**
 * How long logs are kept. All daemons write to the service manager: journald keeps their lines with those of the rest of the machine,
 * svlogd(8) a folder for each. Both forget by age, whole files at a time, so a file holds one day.
 */
import { path } from '#base';
import { renderSystemd } from '#formats';
import { RUNIT_LOGS } from '#machine';
import { type Item, type RenderInput, SERVICE_NAMES, type Wake } from '#model';
import { LINES_OF_SVLOGD } from './unlogged.ts';

const WAKES: readonly Wake[] = [{ service: 'logs', by: 'reload' }];
const FILE = { kind: 'file', owner: 'root:root', mode: 0o644, wakes: WAKES } as const;
const JOURNALD = path('/etc/systemd/journald.conf.d');
const DAY_SECONDS = 86_400;

/** journald.conf(5). */
const journald = (days: number): readonly Item[] => [
  { kind: 'dir', path: JOURNALD, owner: 'root:root', mode: 0o755, exclusive: false },
  {
    ...FILE,
    path: path(`${JOURNALD}/hauspost.conf`),
    text: renderSystemd([
      {
        block: 'Journal',
        rows: [
          { set: 'MaxRetentionSec', to: `${days}day` },
          { set: 'MaxFileSec', to: '1day' },
        ],
      },
    ]),
  },
];

/** svlogd(8): no limit of size, a new file each day, and as many old ones as days. */
const svlogd = (days: number): readonly Item[] =>
  SERVICE_NAMES.map((name): Item => {
    const kept = `s0\nt${DAY_SECONDS}\nn${days}\n`;
    return { ...FILE, path: path(`${RUNIT_LOGS}/${name}/config`), text: [kept + (name === 'postfix' ? LINES_OF_SVLOGD : '')] };
  });

export const logItems = ({ settings, facts }: RenderInput): readonly Item[] =>
  facts.init === 'systemd' ? journald(settings.logs.retentionDays) : svlogd(settings.logs.retentionDays);
