/**
 * The rule about From, in Lua, since Postfix does not read headers: mail of a login has exactly one From header with exactly one
 * address, and it is the envelope sender up to tag and case; with the null sender it is the login itself (read receipts, RFC 8098).
 * Postfix has proved before that the envelope sender belongs to the login. A prefilter, so that nothing forged is ever signed.
 */
export const FROM_RULE = `-- From of a login's mail: one header, one address, the envelope sender's up to tag and case; the login's under MAIL FROM:<>.

local function identity(address)
  local user, domain = string.match(address or '', '^(.+)@([^@]+)$')
  if not user then return nil end
  return string.lower(string.match(user, '^[^+]*') .. '@' .. domain)
end

local function verdict(task)
  local login = task:get_user()
  if not login then return nil end
  local headers = task:get_header_full('From') or {}
  local from = task:get_from('mime') or {}
  if #headers ~= 1 or #from ~= 1 or not identity(from[1].addr) then return 'exactly one From address is required' end
  local envelope = ((task:get_from('smtp') or {})[1] or {}).addr or ''
  if envelope == '' then envelope = login end
  if identity(from[1].addr) ~= identity(envelope) then return 'the From address is not the sender that you gave' end
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
