/** Our rules in Lua, in the one file that Rspamd of both releases looks for (3.4 has no lua.local.d). Each is a block of its own. */
import { path } from '#base';
import type { Item, RenderInput } from '#model';
import { FROM_RULE } from './from-rule.ts';
import { HOST_NAME_RULE } from './host-name.ts';
import { returnedRule } from './returned.ts';
import { rolesRule } from './roles.ts';
import { secondSignature } from './second-signature.ts';
import { sendingLimit } from './sending-limit.ts';
import { UNMARKED_RULE } from './unmarked.ts';
import { waysRule } from './ways.ts';

export const ruleFile = (input: RenderInput): Item => {
  const { recipientsPerHour, relay } = input.settings.outgoing;
  const limit = recipientsPerHour === 0 ? [] : [sendingLimit(input)];
  // A large relay, Amazon's, refuses mail that has the field twice.
  const second = relay === null ? [secondSignature(input)] : [];
  const rules = [FROM_RULE, waysRule(input), HOST_NAME_RULE, UNMARKED_RULE, rolesRule(input), returnedRule(input), ...second, ...limit];
  return {
    kind: 'file',
    path: path('/etc/rspamd/rspamd.local.lua'),
    text: ['-- Written by Hauspost and overwritten by it.\n', ...rules.map((rule) => `do\n${rule}end\n`)],
    owner: 'root:root',
    mode: 0o644,
    wakes: [{ service: 'rspamd', by: 'reload' }],
  };
};
