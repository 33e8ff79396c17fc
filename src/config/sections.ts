/** All sections, in the order of the file. A new section is one line here, one in `Settings` and one in `resolve`. */
import { dkim } from './dkim.ts';
import { dns } from './dns.ts';
import { filters } from './filters.ts';
import { incoming } from './incoming.ts';
import { logins } from './logins.ts';
import { logs } from './logs.ts';
import { mail } from './mail.ts';
import { network } from './network.ts';
import type { Section, Wants } from './option.ts';
import { outgoing } from './outgoing.ts';
import { resolver } from './resolver.ts';
import { server } from './server.ts';
import { tls } from './tls.ts';
import { webUi } from './web-ui.ts';

export const SECTIONS = { server, network, tls, dns, dkim, resolver, incoming, outgoing, logins, mail, filters, logs, webUi };

/** What the operator wants, checked; `undefined` where it is left to the machine. */
export type Config = { readonly [K in keyof typeof SECTIONS]: (typeof SECTIONS)[K] extends Section<infer O, unknown> ? Wants<O> : never };
