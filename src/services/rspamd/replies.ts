/**
 * What people's Sieve scripts answer (model/replies.ts). A vacation reply in the name of its account counts as mail of its login, and so
 * is signed (M14); a rejection is sent only to whom it cannot hit by mistake: the sender was verified, and neither a list nor
 * a program sent the message (M26). The header that tells is taken out of whatever has it. Lua, for rspamd.local.lua.
 */
import type { Text } from '#base';
import { REPLY_HEADER, REPLY_WORD } from '#model';

export const REPLY_RULE: Text = [
  `
local REPLY = '${REPLY_HEADER}'
local WORD = '`,
  REPLY_WORD,
  `'

-- Whose answer it is; nil for everybody else's mail.
local function answering(task)
  local word, account = string.match(task:get_header(REPLY) or '', '^%s*(%S+) (%S+)%s*$')
  if word == WORD and not task:get_user() then return account end
end

-- What Sieve redirects has been received, and says who redirected it.
local function written_here(task)
  return not task:get_header('Received') and not task:get_header('X-Sieve-Redirected-From')
end

-- Headers of the message that was rejected, which is the last part, one a line, in lower case.
local function rejected(task)
  local original = string.match(tostring(task:get_content()), 'message/rfc822\\r?\\n\\r?\\n(.*)$') or ''
  return '\\n' .. string.lower(string.gsub(original, '\\r?\\n[ \\t]+', ' '))
end

-- Why nobody is told of it; nil where the sender is.
local function silent(headers)
  if string.find(headers, '\\nlist%-%a+:') or string.find(headers, '\\nprecedence:%s*[bjl]') then return 'it came from a list' end
  if string.find(headers, '\\nx%-spam:%s*yes') then return 'it was marked' end
  local results = string.match(headers, '\\nauthentication%-results:([^\\n]*)') or ''
  if not string.find(results, 'spf=pass') and not string.find(results, 'dmarc=pass') then return 'nobody knows who sent it' end
end

rspamd_config:register_symbol {
  name = 'HAUSPOST_REPLY',
  type = 'prefilter',
  priority = 11, -- before the rule about From
  callback = function(task)
    if not task:get_header(REPLY) then return end
    task:set_milter_reply({ remove_headers = { [REPLY] = 0 } })
    local account = answering(task)
    if not account or not written_here(task) then return end
    local kind = task:get_header('Auto-Submitted') or ''
    local from = (task:get_from('mime') or {})[1] or {}
    if string.find(kind, '(vacation)', 1, true) and identity(from.addr) == identity(account) then task:set_user(account) end
    if not string.find(kind, '(rejected)', 1, true) then return end
    local why = silent(rejected(task))
    -- Postfix tells nobody: it has no sender.
    if why then task:set_pre_result('reject', 'no rejection is sent: ' .. why, 'hauspost') end
  end,
}

-- What comes by sendmail(1) is told to a milter as from localhost, a name that no client of SMTP may give.
local function of_this_machine(task)
  local ip = task:get_from_ip()
  return ip and ip:is_local() and task:get_helo() == 'localhost'
end

-- Of marked mail nobody is told, whatever becomes of it: who is named as its sender most likely is somebody else. The machine's own
-- programs are who they say, and the postmaster hears of what they could not send.
rspamd_config:register_symbol {
  name = 'HAUSPOST_NO_SENDER',
  type = 'idempotent',
  callback = function(task)
    if task:get_user() or of_this_machine(task) or task:get_metric_action() ~= 'add header' then return end
    task:set_milter_reply({ change_from = '<>' })
  end,
}
`,
];
