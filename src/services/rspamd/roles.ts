/**
 * Mail for a role name (postmaster, abuse, hostmaster; RFC 5321, section 4.5.1, and RFC 2142) is not refused for what is in it: who reports spam sends it
 * along. It is marked instead. That of logins, whose domains need not be ours, is not meant; nor what is for somebody else as well, since whoever adds
 * the postmaster to the recipients would have everything taken.
 */
import { HOST_ROLES, ROLES } from '#directory';
import type { RenderInput } from '#model';

const set = (names: readonly string[]): string => `{ ${names.map((name) => `['${name}'] = true`).join(', ')} }`;

export const rolesRule = ({
  settings: { hostname },
}: RenderInput): string => `-- What is for role names alone is marked, where it would be refused for its score.

local HOST = '${hostname}'
local NAMES, HOST_NAMES = ${set(ROLES)}, ${set(HOST_ROLES)}

local function of_role(recipient)
  local user = string.match(string.lower(recipient.user or ''), '^[^+]*')
  return NAMES[user] or string.lower(recipient.domain or '') == HOST and HOST_NAMES[user]
end

-- What has no domain, <postmaster> and nobody else, is none of Rspamd's recipients.
local function of_roles_alone(task)
  for _, recipient in ipairs(task:get_recipients('smtp') or {}) do
    if not of_role(recipient) then return false end
  end
  return true
end

rspamd_config:register_symbol {
  name = 'HAUSPOST_ROLES',
  type = 'postfilter',
  callback = function(task)
    if task:get_user() or task:get_metric_action() ~= 'reject' or not of_roles_alone(task) then return end
    -- Refused whatever the score: by the test pattern, or by a rule of ours.
    local set, action = task:has_pre_result()
    if set and action == 'reject' then return end
    task:set_pre_result('add header', 'mail for a role name is not refused for its score', 'hauspost')
  end,
}
`;
