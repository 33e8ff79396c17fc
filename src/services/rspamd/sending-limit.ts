/**
 * How many recipients an account may send to within an hour (M27), counted in Redis from its first message on. Rspamd has a module for it,
 * ratelimit, that is not used: it lets whoever adds the postmaster to the recipients pass, counts the first message as one whatever it
 * has (3.4), and moves the limit by what it thinks of the mail. Redis away: no limit (M20). A prefilter after the From rule. What an
 * account's Sieve script sends counts as well.
 */
import type { RenderInput } from '#model';
import { ACCOUNT } from './ways.ts';

type Language = RenderInput['settings']['language'];

/** What the account's mail program shows; ASCII without quotes. */
const PUT_OFF: Readonly<Record<Language, (limit: number) => string>> = {
  en: (limit) => `More than ${limit} recipients within an hour; try again later`,
  de: (limit) => `Mehr als ${limit} Empfaenger in einer Stunde; bitte spaeter noch einmal`,
};

/** Of a message that would never fit: a mail program would try it again for ever. */
const REFUSED: Readonly<Record<Language, (limit: number) => string>> = {
  en: (limit) =>
    `More than ${limit} recipients at once, which is what an account may send to within an hour; send it in parts, or ask the postmaster for more`,
  de: (limit) =>
    `Mehr als ${limit} Empfaenger auf einmal, so viele wie ein Konto in einer Stunde erreicht; bitte in Teilen schicken, oder den Postmaster um mehr bitten`,
};

/** Subject and text for the postmaster. */
const NOTICE: Readonly<Record<Language, (limit: number) => string>> = {
  en: (limit) => `Subject: @ACCOUNT@ sends more mail than it may

The account @ACCOUNT@ wanted to send to more than ${limit} recipients within an hour.
What is more is put off until the hour is over; a message that has more by itself
is refused. If its owner did not do that, somebody else has the password:

    hauspost account passwd @ACCOUNT@

If it is meant to, outgoing.recipients_per_hour says how many may be. There is one
such message a day.
`,
  de: (limit) => `Subject: @ACCOUNT@ verschickt mehr Mail als erlaubt

Das Konto @ACCOUNT@ wollte in einer Stunde an mehr als ${limit} Empfänger schreiben.
Was darüber ist, wird aufgeschoben, bis die Stunde um ist; eine Nachricht, die
allein mehr hat, wird abgelehnt. War das nicht sein Besitzer, dann hat jemand
anderes das Passwort:

    hauspost account passwd @ACCOUNT@

Soll es mehr dürfen: outgoing.recipients_per_hour. Diese Nachricht kommt einmal am Tag.
`,
};

/** The brands hold no quotes and no backslashes; nothing of theirs comes near the shell. */
export const sendingLimit = ({ settings: { outgoing, postmaster, hostname, language } }: RenderInput): string => {
  const [putOff, refused, notice] = [PUT_OFF, REFUSED, NOTICE].map((texts) => texts[language](outgoing.recipientsPerHour));
  return `-- Recipients an account may send to within an hour. The postmaster is told once a day.

local LIMIT, PERIOD, DAY = ${outgoing.recipientsPerHour}, 3600, 86400
local POSTMASTER, HOST = '${postmaster}', '${hostname}'
local PUT_OFF, REFUSED = '${putOff}', '${refused}'
local NOTICE = [[${notice}]]

local lua_redis = require 'lua_redis'
local params = lua_redis.parse_redis_server('hauspost_sending')

-- KEYS: count, told, recipients of this message, limit, period, day. Answers: may it pass, is the postmaster to be told.
-- Sent each time: what Rspamd loads into Redis once it gives up for good (3.12) where it begins while Redis is away.
local SCRIPT = [[
  local sent, more, limit = tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(KEYS[3]), tonumber(KEYS[4])
  if sent + more > limit then
    return { 0, redis.call('SET', KEYS[2], '1', 'NX', 'EX', KEYS[6]) and 1 or 0 }
  end
  redis.call('INCRBY', KEYS[1], more)
  if sent == 0 then redis.call('EXPIRE', KEYS[1], KEYS[5]) end
  return { 1, 0 }
]]

local function tell(account)
  local mail = io.popen('/usr/sbin/sendmail -i -t -f ""', 'w')
  if not mail then return end
  mail:write('From: postmaster@' .. HOST .. '\\nTo: <' .. POSTMASTER .. '>\\nAuto-Submitted: auto-generated\\nMIME-Version: 1.0\\n',
    'Content-Type: text/plain; charset=utf-8\\nContent-Transfer-Encoding: 8bit\\n', (string.gsub(NOTICE, '@ACCOUNT@', { ['@ACCOUNT@'] = account })))
  mail:close()
end

rspamd_config:register_symbol {
  name = 'HAUSPOST_SENDING_LIMIT',
  type = 'prefilter',
  priority = 5,
  callback = function(task)
    local account = task:get_user() or task:get_mempool():get_variable('${ACCOUNT}')
    if not account or task:has_pre_result() then return end
    account = string.lower(account)
    local recipients = #(task:get_recipients('smtp') or {})
    local sent = 'hauspost_sent_' .. account
    local keys = { sent, 'hauspost_told_' .. account, tostring(recipients), tostring(LIMIT), tostring(PERIOD), tostring(DAY) }
    lua_redis.rspamd_redis_make_request(task, params, sent, true, function(err, answer)
      if err or type(answer) ~= 'table' or tonumber(answer[1]) == 1 then return end
      if tonumber(answer[2]) == 1 then tell(account) end
      if recipients > LIMIT then
        task:set_pre_result('reject', REFUSED, 'hauspost')
      else
        task:set_pre_result('soft reject', PUT_OFF, 'hauspost')
      end
    end, 'EVAL', { SCRIPT, tostring(#keys), unpack(keys) })
  end,
}
`;
};
