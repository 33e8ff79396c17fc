/**
 * The only daemon of our own: a small loop that asks the database which domains there are, and has Hauspost make keys for those that
 * have none, since SQL adds domains without asking anybody. It is a shell script because Node would take fifty times its memory.
 */
import { path } from '#base';
import { renderSystemd } from '#formats';
import type { Finding, Item, RenderInput, Service, Unit } from '#model';
import { LOOP, loop } from './loop.ts';

const SYSTEMD = 'hauspost-dkim-keys.service';

const unit: Unit = { systemd: SYSTEMD, foreground: [LOOP], prepare: [], reload: [] };

/**
 * Debian has no unit for it. What wants it at boot is a drop-in as well: unlike the link that `systemctl enable` makes, it goes
 * when the unit goes.
 */
const systemdItems: readonly Item[] = [
  {
    kind: 'file',
    path: path(`/etc/systemd/system/${SYSTEMD}`),
    text: renderSystemd([
      { block: 'Unit', rows: [{ set: 'Description', to: 'DKIM keys for domains that SQL adds' }] },
      {
        block: 'Service',
        rows: [
          { set: 'Type', to: 'exec' },
          { set: 'ExecStart', to: LOOP },
          { set: 'Restart', to: 'always' },
          { set: 'RestartSec', to: '10' },
        ],
      },
    ]),
    owner: 'root:root',
    mode: 0o644,
    wakes: [{ service: 'dkim-keys', by: 'restart' }],
  },
  { kind: 'dir', path: path('/etc/systemd/system/multi-user.target.d'), owner: 'root:root', mode: 0o755, exclusive: false },
  {
    kind: 'file',
    path: path('/etc/systemd/system/multi-user.target.d/hauspost.conf'),
    text: renderSystemd([{ block: 'Unit', rows: [{ set: 'Wants', to: SYSTEMD }] }]),
    owner: 'root:root',
    mode: 0o644,
    wakes: [],
  },
];

const items = (input: RenderInput): readonly Item[] => [
  {
    kind: 'file',
    path: LOOP,
    text: [loop(input)],
    owner: 'root:root',
    mode: 0o755,
    wakes: [{ service: 'dkim-keys', by: 'restart' }],
  },
  ...(input.facts.init === 'systemd' ? systemdItems : []),
];

/** sh(1) -n reads a script without running it. */
const check: Service['check'] = async (room) => {
  const { code, stderr } = await room.run(['/bin/sh', '-n', LOOP]);
  const refused: Finding = {
    level: 'error',
    code: 'dkim-keys.refused',
    message: `sh -n ${LOOP}: ${stderr.trim()}`,
    remedy: 'Report this as a defect, with this output.',
  };
  return code === 0 ? [] : [refused];
};

export const dkimKeys: Service = {
  name: 'dkim-keys',
  packages: () => [],
  unit: () => unit,
  items,
  check,
  probes: () => [],
};
