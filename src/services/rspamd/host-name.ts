/**
 * The rule about the client's name, in Lua: it is what Postfix says it is. Postfix knows a name only if it leads back to the client (RFC 1912,
 * section 2.1); from 3.10 on Rspamd would otherwise ask for the PTR itself and believe it, and no name that does not lead back would ever get
 * a point (HFILTER_HOSTNAME_UNKNOWN; https://github.com/rspamd/rspamd/issues/6190). rspamd_config:disable_symbol does not keep a prefilter from running.
 */
export const HOST_NAME_RULE = `-- The name of a client is what Postfix says, which has asked whether it leads back; no PTR is taken for one.
rspamd_config:register_symbol {
  name = 'HAUSPOST_NAME',
  type = 'prefilter',
  priority = 12, -- before Rspamd's own look
  callback = function(task) task:disable_symbol('RDNS_CHECK') end,
}
`;
