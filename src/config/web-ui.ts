/** Pages in the browser. */
import { flag } from './kinds.ts';
import { fixed, option, section } from './option.ts';

export const webUi = section({
  name: 'web_ui',
  doc: 'Pages in the browser.',
  options: {
    enabled: option({
      key: 'enabled',
      kind: flag,
      default: fixed(true),
      doc: "Whether the spam filter's page is served at https://HOSTNAME/rspamd/, behind its password.",
      why: 'It shows why a message was marked, which is the question that is asked most.',
      example: false,
      since: '0.1',
    }),
  },
  rules: () => [],
  settings: (wants) => wants,
});
