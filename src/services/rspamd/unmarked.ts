/**
 * Mail of logins is never marked, whatever it looks like: a header that says spam would go with it to everybody whom our people write to, whose own
 * filters go by it, and between our people it would be filed in Spam. What reaches the score for refusal is refused, and its writer reads why.
 */
export const UNMARKED_RULE = `
rspamd_config:register_symbol {
  name = 'HAUSPOST_UNMARKED',
  type = 'postfilter',
  priority = 1,
  callback = function(task)
    if task:get_user() and task:get_metric_action() == 'add header' then
      task:set_pre_result('no action', 'mail of a login is not marked', 'hauspost')
    end
  end,
}
`;
