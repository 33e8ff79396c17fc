/** Nginx: answers ACME challenges, sends everybody to HTTPS, and shows Rspamd's web UI there, behind its password. */
import { renderNginx } from '#formats';
import type { Item, RenderInput, Service, Unit } from '#model';
import { ACME_ROOT } from './acme.ts';
import { checkNginx, CONF, placeIn } from './check.ts';
import { nginxConfig } from './config.ts';
import { nginxProbes } from './probes.ts';

export { ACME_ROOT };

const unit: Unit = {
  systemd: 'nginx.service',
  dropIn: [{ section: 'Service', set: 'Restart', to: 'on-failure' }],
  foreground: ['/usr/sbin/nginx', '-e', 'stderr', '-g', 'daemon off;'],
  prepare: [],
  reload: ['/usr/sbin/nginx', '-s', 'reload'],
};

const items = (input: RenderInput): readonly Item[] => [
  { kind: 'dir', path: ACME_ROOT, exclusive: false, owner: 'root:root', mode: 0o755 },
  {
    kind: 'file',
    path: CONF,
    text: renderNginx(nginxConfig(input), input.facts.versions.nginx),
    owner: 'root:root',
    mode: 0o644,
    wakes: [{ service: 'nginx', by: 'reload' }],
  },
];

export const nginx: Service = {
  name: 'nginx',
  packages: ({ settings }) => ['nginx', ...(settings.tls.source === 'acme' ? ['certbot'] : [])],
  unit: () => unit,
  items,
  check: checkNginx,
  placeIn,
  probes: nginxProbes,
};
