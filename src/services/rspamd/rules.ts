/** Our rules in Lua, in the one file that Rspamd of both releases looks for (3.4 has no lua.local.d). Each is a block of its own; one knows a secret word. */
import { path, type Text } from '#base';
import type { Item, RenderInput } from '#model';
import { FROM_RULE } from './from-rule.ts';
import { REPLY_RULE } from './replies.ts';
import { sendingLimit } from './sending-limit.ts';

export const ruleFile = (input: RenderInput): Item => {
  // The second uses what the first defines.
  const rules: readonly Text[] = [[FROM_RULE, ...REPLY_RULE], ...(input.settings.outgoing.recipientsPerHour === 0 ? [] : [[sendingLimit(input)]])];
  return {
    kind: 'file',
    path: path('/etc/rspamd/rspamd.local.lua'),
    text: ['-- Written by Hauspost and overwritten by it.\n', ...rules.flatMap((rule) => ['do\n', ...rule, 'end\n'])],
    owner: 'root:_rspamd',
    mode: 0o640,
    wakes: [{ service: 'rspamd', by: 'reload' }],
  };
};
