/**
 * The rule about From, in Lua, since Postfix does not read headers: mail of a login has exactly one From header with exactly one
 * address, and it is the envelope sender up to tag and case; with the null sender it is the login itself (read receipts, RFC 8098).
 * Postfix has proved before that the envelope sender belongs to the login. A prefilter, so that nothing forged is ever signed.
 * Programs read odd headers differently: whatever looks like an address outside of quotes, comments and encoded words must be that one.
 */
export const FROM_RULE = `-- From of a login's mail: one header, one address, the envelope sender's up to tag and case; the login's under MAIL FROM:<>.

local function identity(address)
  local user, domain = string.match(address or '', '^(.+)@([^@]+)$')
  if not user then return nil end
  return string.lower(string.match(user, '^[^+]*') .. '@' .. domain)
end

-- Headers of the name, whatever stands between name and colon.
local function headers_from(task)
  local headers = '\\n' .. string.gsub(tostring(task:get_raw_headers() or ''), '\\r', '\\n')
  return select(2, string.gsub(headers, '\\n[Ff][Rr][Oo][Mm]%s*:', ''))
end

-- Nothing outside of quotes, comments and encoded words names anybody else (RFC 5322, sections 3.2.2, 3.2.4 and 4.4; RFC 2047, section 5: no address is in one).
local function names_only(wanted, value)
  local bare = string.gsub(string.gsub(value, '\\\\.', ''), '"[^"]*"', '')
  local depth
  repeat bare, depth = string.gsub(bare, '%([^()]*%)', ' ') until depth == 0
  bare = string.gsub(bare, '%S+', function(word) return string.match(word, '^=%?[^?<>]+%?[bBqQ]%?[^?<>]*%?=$') and '' end)
  for word in string.gmatch(bare, '[^%s<>,;:()"]+@[^%s<>,;:()"]+') do
    if identity(word) ~= wanted then return false end
  end
  return true
end

local function verdict(task)
  local login = task:get_user()
  if not login then return nil end
  local headers = task:get_header_full('From') or {}
  local from = task:get_from('mime') or {}
  if headers_from(task) ~= 1 or not headers[1] or #from ~= 1 or not identity(from[1].addr) then return 'exactly one From address is required' end
  local envelope = ((task:get_from('smtp') or {})[1] or {}).addr or ''
  if envelope == '' then envelope = login end
  local wanted = identity(envelope)
  if identity(from[1].addr) ~= wanted or not names_only(wanted, headers[1].value) then return 'the From address is not the sender that you gave' end
end

rspamd_config:register_symbol {
  name = 'HAUSPOST_FROM',
  type = 'prefilter',
  priority = 10,
  callback = function(task)
    local refusal = verdict(task)
    if refusal then task:set_pre_result('reject', refusal, 'hauspost') end
  end,
}
`;
