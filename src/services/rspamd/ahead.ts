/**
 * Rspamd's very first start compiles the list of public suffixes for Hyperscan before it listens, for ten seconds and more (docs/rspamd.md). The test of a
 * configuration compiles it as well and keeps it where the daemon looks for it, once a rule asks for URLs. Of Debian's configuration it reads where
 * the list and what was compiled lie.
 */
import { path } from '#base';
import type { Ahead } from '#model';

const CONFIG = path('/run/rspamd-ahead.conf');
const RULE = path('/run/rspamd-ahead.lua');

export const ahead: Ahead = {
  package: 'rspamd',
  files: [
    { path: CONFIG, text: `options { .include "/etc/rspamd/options.inc" }\nlua = "${RULE}";\n` },
    { path: RULE, text: "require('rspamd_url').init(rspamd_config:get_tld_path())\n" },
  ],
  argv: [
    ...['/usr/bin/setpriv', '--reuid=_rspamd', '--regid=_rspamd', '--clear-groups'],
    ...['/usr/bin/rspamadm', 'configtest', '--quiet', '--config', CONFIG],
  ],
};
