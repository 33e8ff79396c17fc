/**
 * What Postfix writes to people in another language than its own English: notices that a message came back, or arrived where somebody asked
 * for that (bounce(5)). Headers of a template are ASCII; the reasons that other servers give stay as they gave them.
 */
import { type AbsPath, path } from '#base';
import type { Row } from '#formats';
import type { Item, RenderInput } from '#model';

export const NOTICES: AbsPath = path('/etc/postfix/notices.cf');

interface Notice {
  readonly template: 'failure_template' | 'delay_template' | 'success_template';
  readonly from: string;
  readonly subject: string;
  /** Of the copy that the postmaster may get; not every template has one. */
  readonly copySubject?: string;
  /** `$name` is a parameter of Postfix. */
  readonly text: readonly string[];
}

const GERMAN: readonly Notice[] = [
  {
    template: 'failure_template',
    from: 'MAILER-DAEMON (Mailserver)',
    subject: 'Nachricht nicht zugestellt',
    copySubject: 'Kopie an den Postmaster: Nachricht nicht zugestellt',
    text: [
      'Hier ist der Mailserver $myhostname.',
      '',
      'Ihre Nachricht konnte nicht allen Empfängern zugestellt werden. Wem nicht und',
      'warum, steht unten; die Nachricht selbst liegt bei.',
      '',
      'Hilfe gibt es beim Postmaster: schicken Sie ihm diesen Bericht. Den Text Ihrer',
      'eigenen Nachricht können Sie vorher löschen.',
    ],
  },
  {
    template: 'delay_template',
    from: 'MAILER-DAEMON (Mailserver)',
    subject: 'Nachricht noch nicht zugestellt',
    copySubject: 'Kopie an den Postmaster: Nachricht noch nicht zugestellt',
    text: [
      'Hier ist der Mailserver $myhostname.',
      '',
      'Ihre Nachricht wartet seit mehr als $delay_warning_time_hours Stunden: sie konnte noch nicht allen',
      'Empfängern zugestellt werden. Es wird weiter versucht; Sie brauchen nichts zu',
      'tun. Wem noch nicht und warum, steht unten.',
    ],
  },
  {
    template: 'success_template',
    from: 'MAILER-DAEMON (Mailserver)',
    subject: 'Nachricht zugestellt',
    text: ['Hier ist der Mailserver $myhostname.', '', 'Ihre Nachricht wurde den unten genannten Empfängern zugestellt.'],
  },
];

const NOTICES_IN = { en: [], de: GERMAN } as const satisfies Readonly<Record<RenderInput['settings']['language'], readonly Notice[]>>;

const rendered = ({ template, from, subject, copySubject, text }: Notice): string =>
  [
    `${template} = <<END`,
    'Charset: utf-8',
    `From: ${from}`,
    `Subject: ${subject}`,
    ...(copySubject === undefined ? [] : [`Postmaster-Subject: ${copySubject}`]),
    '',
    ...text,
    'END',
    '',
  ].join('\n');

/** Empty: Postfix' own. */
export const notices = ({ settings }: RenderInput): readonly Row[] =>
  NOTICES_IN[settings.language].length === 0 ? [] : [{ set: 'bounce_template_file', to: NOTICES }];

/** For the check: what Postfix must show of its templates (postconf(1), -t). */
export const noticeSamples = ({ settings }: RenderInput): readonly string[] =>
  NOTICES_IN[settings.language].map(({ subject }) => `Subject: ${subject}`);

export const noticeItems = ({ settings }: RenderInput): readonly Item[] => {
  const templates = NOTICES_IN[settings.language];
  if (templates.length === 0) return [];
  const text = `# Written by Hauspost and overwritten by it.\n${templates.map(rendered).join('\n')}`;
  return [{ kind: 'file', path: NOTICES, text: [text], owner: 'root:root', mode: 0o644, wakes: [{ service: 'postfix', by: 'reload' }] }];
};
