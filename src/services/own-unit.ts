/** Units of daemons that are our own: Debian has none for them. */
import { type AbsPath, path } from '#base';
import { renderSystemd } from '#formats';
import type { CheckRoom, Finding, Item, RenderInput, ServiceName } from '#model';

export interface OwnDaemon {
  readonly name: ServiceName;
  readonly systemd: string;
  readonly description: string;
  /** The shell script that it is, and its text. */
  readonly script: AbsPath;
  readonly text: string;
  /** Of the drop-in that has it started at boot: unlike the link that `systemctl enable` makes, it goes when the unit goes. */
  readonly wanted: string;
}

const ROOT = { kind: 'file', owner: 'root:root' } as const;

/** Of the drop-ins that have our daemons started at boot. Once for all of them: the first one brings it. */
export const wantedDirectory = ({ facts }: Pick<RenderInput, 'facts'>): readonly Item[] =>
  facts.init === 'systemd'
    ? [{ kind: 'dir', path: path('/etc/systemd/system/multi-user.target.d'), owner: 'root:root', mode: 0o755, exclusive: false }]
    : [];

const systemdItems = ({ name, systemd, description, script, wanted }: OwnDaemon): readonly Item[] => [
  {
    ...ROOT,
    path: path(`/etc/systemd/system/${systemd}`),
    text: renderSystemd([
      { block: 'Unit', rows: [{ set: 'Description', to: description }] },
      {
        block: 'Service',
        rows: [
          { set: 'Type', to: 'exec' },
          { set: 'ExecStart', to: script },
          { set: 'Restart', to: 'always' },
          { set: 'RestartSec', to: '10' },
        ],
      },
    ]),
    mode: 0o644,
    wakes: [{ service: name, by: 'restart' }],
  },
  {
    ...ROOT,
    path: path(`/etc/systemd/system/multi-user.target.d/${wanted}.conf`),
    text: renderSystemd([{ block: 'Unit', rows: [{ set: 'Wants', to: systemd }] }]),
    mode: 0o644,
    wakes: [],
  },
];

export const ownItems = (daemon: OwnDaemon, { facts }: Pick<RenderInput, 'facts'>): readonly Item[] => [
  { ...ROOT, path: daemon.script, text: [daemon.text], mode: 0o755, wakes: [{ service: daemon.name, by: 'restart' }] },
  ...(facts.init === 'systemd' ? systemdItems(daemon) : []),
];

/** sh(1) -n reads a script without running it. */
export const checkScript = async (room: CheckRoom, name: ServiceName, script: AbsPath): Promise<readonly Finding[]> => {
  const { code, stderr } = await room.run(['/bin/sh', '-n', script]);
  const refused: Finding = {
    level: 'error',
    code: `${name}.refused`,
    message: `sh -n ${script}: ${stderr.trim()}`,
    remedy: 'Report this as a defect, with this output.',
  };
  return code === 0 ? [] : [refused];
};
