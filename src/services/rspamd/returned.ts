/**
 * Reports that mail of ours could not be delivered, in Lua. Ordinary servers send them unsigned, as MAILER-DAEMON of their own domain under the null
 * sender, so where that domain publishes `quarantine` or `reject` they fail DMARC, and people would never hear of it. One that brings back a message of
 * ours is judged by its score alone, which failing counts in. What says that a message is ours can be copied from any that we sent.
 */
import type { RenderInput } from '#model';
import { WITHIN } from './ways.ts';

export const returnedRule = ({ settings: { hostname } }: RenderInput): string => `
local BY_LOGIN = ' by ${hostname} (postfix) with esmtpsa '
${WITHIN}
local function is_report(task)
  local from = (task:get_from('mime') or {})[1]
  local user = from and string.lower(from.user or '')
  local kind = string.lower(task:get_header('Content-Type') or '')
  return ((task:get_from('smtp') or {})[1] or {}).addr == '' and (user == 'mailer-daemon' or user == 'postmaster')
    and string.find(kind, 'multipart/report', 1, true) and string.find(kind, 'delivery-status', 1, true)
end

-- By the trace line of submission, or by the signature.
local function brings_ours(task)
  local headers = within(task)
  if string.find(headers, BY_LOGIN, 1, true) then return true end
  for signature in string.gmatch(headers, '\\ndkim%-signature:([^\\n]*)') do
    local domain = string.match(signature, '[%s;]d=([^%s;]+)')
    for _, recipient in ipairs(task:get_recipients('smtp') or {}) do
      if domain == string.lower(recipient.domain or '') then return true end
    end
  end
end

rspamd_config:register_symbol {
  name = 'HAUSPOST_RETURNED',
  type = 'postfilter',
  callback = function(task)
    local _, _, _, module = task:has_pre_result()
    -- What the module sets raises the score to that of marking.
    if module ~= 'dmarc' or task:get_metric_score()[1] > rspamd_config:get_metric_action('add header') then return end
    if is_report(task) and brings_ours(task) then task:set_pre_result('no action', 'it brings back mail of ours', 'hauspost') end
  end,
}
`;
