/**
 * The configuration with every `auto` resolved: what renderers read. The fields are those of the sections' declarations.
 * Pure: the same configuration on the same machine gives the same settings.
 */
import type { Facts } from '#machine';
import type { Circumstances } from './option.ts';
import { type Config, SECTIONS } from './sections.ts';

type SettingsOf<S> = S extends { settings(...input: never[]): infer R } ? R : never;

export interface Settings extends SettingsOf<typeof SECTIONS.server> {
  readonly network: SettingsOf<typeof SECTIONS.network>;
  readonly tls: SettingsOf<typeof SECTIONS.tls>;
  readonly dns: SettingsOf<typeof SECTIONS.dns>;
  readonly dkim: SettingsOf<typeof SECTIONS.dkim>;
  readonly resolver: SettingsOf<typeof SECTIONS.resolver>;
  readonly incoming: SettingsOf<typeof SECTIONS.incoming>;
  readonly outgoing: SettingsOf<typeof SECTIONS.outgoing>;
  readonly logins: SettingsOf<typeof SECTIONS.logins>;
  readonly mail: SettingsOf<typeof SECTIONS.mail>;
  readonly filters: SettingsOf<typeof SECTIONS.filters>;
  readonly logs: SettingsOf<typeof SECTIONS.logs>;
  readonly webUi: SettingsOf<typeof SECTIONS.webUi>;
}

/** Throws an operator error where the configuration asks for what this machine does not have. */
export const resolve = (config: Config, facts: Facts): Settings => {
  const circumstances: Circumstances = { profile: config.server.profile, facts };
  return {
    ...SECTIONS.server.settings(config.server, circumstances),
    network: SECTIONS.network.settings(config.network, circumstances),
    tls: SECTIONS.tls.settings(config.tls, circumstances),
    dns: SECTIONS.dns.settings(config.dns, circumstances),
    dkim: SECTIONS.dkim.settings(config.dkim, circumstances),
    resolver: SECTIONS.resolver.settings(config.resolver, circumstances),
    incoming: SECTIONS.incoming.settings(config.incoming, circumstances),
    outgoing: SECTIONS.outgoing.settings(config.outgoing, circumstances),
    logins: SECTIONS.logins.settings(config.logins, circumstances),
    mail: SECTIONS.mail.settings(config.mail, circumstances),
    filters: SECTIONS.filters.settings(config.filters, circumstances),
    logs: SECTIONS.logs.settings(config.logs, circumstances),
    webUi: SECTIONS.webUi.settings(config.webUi, circumstances),
  };
};

/** Sections of which no daemon reads anything but where the certificate comes from: they count as they are written, applied or not. */
export const resolveBeside = (config: Config, facts: Facts): Pick<Settings, 'tls' | 'dns'> => {
  const circumstances: Circumstances = { profile: config.server.profile, facts };
  return { tls: SECTIONS.tls.settings(config.tls, circumstances), dns: SECTIONS.dns.settings(config.dns, circumstances) };
};
