/**
 * Mail that is not a client's (model/ways.ts), in Lua. A vacation reply has passed the rules for mail of its account, and loses its sender here.
 * What a Sieve script passes on is counted and left as it is: it was judged when it came, and is nobody's of ours, hence never signed (M14).
 * A rejection goes only to whom it cannot hit by mistake: the sender was verified or had logged in, and neither a list nor a program sent the message;
 * a notice of failure to nobody elsewhere who sends in bulk (M26). Marked mail loses its sender when it comes in, bulk mail does not: lists are sorted
 * by it, and other servers refuse to be sent on what has none.
 */
import { type RenderInput, WAYS } from '#model';

/** Of Rspamd's variables of a message: whose script sends it. */
export const ACCOUNT = 'hauspost_account';

/** In Lua, for rules about reports. */
export const WITHIN = `-- Headers of the message within, which is the last part, one a line, in lower case.
local function within(task)
  local text = string.gsub(tostring(task:get_content()), '\\r\\n', '\\n')
  local original = string.match(text, '\\n[Cc]ontent%-[Tt]ype: *message/rfc822.*') or string.match(text, '\\n[Cc]ontent%-[Tt]ype: *text/rfc822%-headers.*') or ''
  local headers = string.match(original, '\\n\\n(.-)\\n\\n') or string.match(original, '\\n\\n(.*)') or ''
  return '\\n' .. string.lower((string.gsub(headers, '\\n[ \\t]+', ' ')))
end
`;

export const waysRule = ({ settings: { hostname } }: RenderInput): string => `
local HOST = '${hostname}'

local function way(task) return task:get_request_header('MTA-Name') and tostring(task:get_request_header('MTA-Name')) end

${WITHIN}
local function in_bulk(headers)
  if string.find(headers, '\\nlist%-%a+[ \\t]*:') or string.find(headers, '\\nprecedence[ \\t]*:%s*[bjl]') then return true end
  local automatic = string.match(headers, '\\nauto%-submitted[ \\t]*:%s*([%w-]*)')
  return automatic and automatic ~= 'no'
end

-- Where the filter saw it come in; it writes nothing into what logins send.
local function results(headers)
  return string.match(headers, '\\nauthentication%-results:([^\\n]*)')
end

-- Of a login, or of a program of this machine (sendmail(1)): the first trace line in our name is ours, what a sender forges stands below.
local function of_ours(headers)
  if headers ~= '\\n' and not results(headers) then return true end
  for trace in string.gmatch(headers, '\\nreceived:([^\\n]*)') do
    if string.find(trace, ' by ' .. HOST .. ' (postfix', 1, true) then
      return string.find(trace, ' by ' .. HOST .. ' (postfix, from userid ', 1, true) == 1
    end
  end
end

-- Why nobody is told that a script rejects it; nil where the sender is.
local function silent(headers)
  if in_bulk(headers) then return 'it was sent in bulk' end
  if string.find(headers, '\\nx%-spam:%s*yes') then return 'it was marked' end
  local found = results(headers) or ''
  if not of_ours(headers) and not string.find(found, 'spf=pass') and not string.find(found, 'dmarc=pass') then return 'nobody knows who sent it' end
end

local function untouched(task)
  task:disable_symbol('MILTER_HEADERS')
end

local kinds = {}

kinds['${WAYS.reply}'] = function(task) task:set_milter_reply({ change_from = '<>' }) end

kinds['${WAYS.pass}'] = function(task)
  task:get_mempool():set_variable('${ACCOUNT}', task:get_user() or '')
  task:set_user(nil)
  untouched(task)
  -- What was redirected says so in a header that Dovecot writes.
  if task:get_header('X-Sieve-Redirected-From') or not string.find(task:get_header('Auto-Submitted') or '', '(rejected)', 1, true) then return end
  local why = silent(within(task))
  if why then task:set_pre_result('discard', 'no rejection is sent: ' .. why, 'hauspost') end
end

kinds['${WAYS.notice}'] = function(task)
  untouched(task)
  local headers = within(task)
  if in_bulk(headers) and not of_ours(headers) then task:set_pre_result('discard', 'no notice is sent: it was sent in bulk', 'hauspost') end
end

rspamd_config:register_symbol {
  name = 'HAUSPOST_WAY',
  type = 'prefilter',
  priority = 11, -- before the rule about From
  callback = function(task)
    local kind = kinds[way(task) or '']
    if kind then kind(task) end
  end,
}

-- After the count.
rspamd_config:register_symbol {
  name = 'HAUSPOST_PASSED',
  type = 'prefilter',
  priority = 4,
  callback = function(task)
    local name = way(task)
    if name ~= '${WAYS.pass}' and name ~= '${WAYS.notice}' or task:has_pre_result() then return end
    task:set_pre_result('no action', 'not from a client', 'hauspost')
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
`;
