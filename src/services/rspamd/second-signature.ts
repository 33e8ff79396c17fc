/**
 * The second signature, by the domain's Ed25519 key (RFC 8463), in Lua: Rspamd's module signs with one key a domain where a map names it. What that
 * module has signed is signed again, and nothing else, so the rules of the first (dkim.ts) hold for both. The map changes with the keys, without an
 * apply; a domain that is not in it has no such key.
 */
import type { RenderInput } from '#model';

export const secondSignature = ({ wiring: { places } }: RenderInput): string => `
local selectors = require 'lua_maps'.map_add_from_ucl('${places.dkim}/ed25519.map', 'map', 'Ed25519 selectors for DKIM')

rspamd_config:register_symbol {
  name = 'HAUSPOST_SECOND_SIGNATURE',
  flags = 'ignore_passthrough', -- as DKIM_SIGNED
  callback = function(task)
    for _, signed in ipairs(task:get_symbol('DKIM_SIGNED') or {}) do
      local domain = string.match((signed.options or {})[1] or '', '^(.+):s=')
      local selector = domain and selectors and selectors:get_key(domain)
      if selector then
        rspamd_plugins.dkim.sign(task, { domain = domain, selector = selector, key = '${places.dkim}/' .. domain .. '/' .. selector .. '.key' })
      end
    end
  end,
}
rspamd_config:register_dependency('HAUSPOST_SECOND_SIGNATURE', 'DKIM_SIGNED')
`;
