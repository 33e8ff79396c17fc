/**
 * The directory that network-facing processes are confined to, and the one file that they read in it: a resolv.conf of ours,
 * which sends Postfix to our resolver while the machine's own stays as it is. Debian would copy the machine's over it at each
 * start and whenever the network changes; that is switched off here (docs/postfix.md).
 */
import { type AbsPath, bug, path } from '#base';
import type { Item, RenderInput, Wake } from '#model';

const RESTART: readonly Wake[] = [{ service: 'postfix', by: 'restart' }];
const ROOT = { owner: 'root:root', mode: 0o644 };

/** The same in both releases; ifupdown, ppp and resolvconf run them. */
const HOOKS = [
  '/etc/network/if-up.d/postfix',
  '/etc/network/if-down.d/postfix',
  '/etc/ppp/ip-up.d/postfix',
  '/etc/ppp/ip-down.d/postfix',
  '/etc/resolvconf/update-libc.d/postfix',
];

/** An empty unit file masks the unit (systemd.unit(5)). */
const MASKED = ['/etc/systemd/system/postfix-resolvconf.path', '/etc/systemd/system/postfix-resolvconf.service'];

const file = (target: AbsPath, text: string): Item => ({ kind: 'file', path: target, text: [text], ...ROOT, wakes: RESTART });

/** resolv.conf(5). `trust-ad` hands on what a validating resolver says; smtp(8) needs it for DANE. */
export const resolvConf = ({ settings, wiring: { resolver } }: Pick<RenderInput, 'settings' | 'wiring'>): string => {
  if (resolver.port !== 53) throw bug(`resolv.conf cannot name port ${resolver.port}`);
  return `nameserver ${resolver.address}\noptions edns0${settings.resolver.validate ? ' trust-ad' : ''}\n`;
};

export const chroot = (input: RenderInput): readonly Item[] => {
  const queue = input.wiring.places['postfix-queue'];
  return [
    { kind: 'dir', path: path(`${queue}/etc`), owner: 'root:root', mode: 0o755, exclusive: true, wakes: RESTART },
    file(path(`${queue}/etc/resolv.conf`), resolvConf(input)),
    // Made by the first start of Postfix; Dovecot, which starts before, has sockets in it.
    {
      kind: 'dir',
      path: path(`${queue}/private`),
      owner: 'postfix:root',
      mode: 0o700,
      exclusive: false,
      wakes: [...RESTART, { service: 'dovecot', by: 'restart' }],
    },
    file(path('/etc/default/postfix'), '# Written by Hauspost: nothing is copied into the queue directory.\nSYNC_CHROOT=""\n'),
    ...HOOKS.map((hook): Item => ({ kind: 'absent', path: path(hook), wakes: [] })),
    ...(input.facts.init === 'systemd' ? MASKED.map((unit) => file(path(unit), '')) : []),
  ];
};
