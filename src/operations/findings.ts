/** What there is to say of a server as it is set up, whichever command asks. */
import type { Unvalidated } from '#config';
import type { Finding, RenderInput } from '#model';
import { beyondMemory } from '#services';
import { copyFindings } from './another-machine.ts';
import { certificateFindings } from './certificates.ts';
import { clockFindings } from './clock.ts';
import { releaseFindings } from './debian.ts';
import { installationFindings } from './installation.ts';
import { keptElsewhere } from './kept-elsewhere.ts';
import type { Context } from './operation.ts';
import { postmasterFindings } from './people.ts';

const LEFT = 'validate = false there says that it shall be so';
const LEFT_IN_FILE = 'validate = false below [resolver] in hauspost.toml says that it shall be so';

const REASONS: Readonly<Record<Unvalidated, (addresses: string) => readonly [string, string]>> = {
  stripped: (addresses) => [
    `the resolvers in /etc/resolv.conf (${addresses}) do not pass signatures on`,
    `Name others there, or write mode = "recursive" below [resolver] in hauspost.toml; ${LEFT}.`,
  ],
  unanswered: (addresses) => [
    `not all resolvers in /etc/resolv.conf (${addresses}) have answered so far whether they pass signatures on`,
    `Once they do, 'hauspost plan' shows what changes; ${LEFT_IN_FILE}.`,
  ],
  unasked: (addresses) => [
    `the resolvers in resolver.forwarders (${addresses}) are not those of this machine, and are not asked whether they pass signatures on`,
    `Write validate = true below [resolver] in hauspost.toml if they do; ${LEFT}.`,
  ],
};

/** Without validated names there is no DANE (RFC 7672 section 2.2): nobody should have to find that out. */
const resolverFindings = ({ settings: { resolver } }: RenderInput): readonly Finding[] => {
  if (resolver.unvalidated === null) return [];
  const [why, remedy] = REASONS[resolver.unvalidated](resolver.forwarders.join(', '));
  const message = `names are not validated (DNSSEC), and mail to others goes without DANE: ${why}`;
  return [{ level: 'warning', code: 'resolver.not-validated', message, remedy }];
};

/** Nobody else would say so: each time such a message comes its scanner is killed, and the sender hears "later". */
const sizeFindings = (input: RenderInput): readonly Finding[] => {
  const beyond = beyondMemory(input);
  if (beyond === undefined) return [];
  const { largest, wants } = beyond;
  const message = `mail.message_size_limit is ${input.settings.mail.messageSizeLimit}M, and the memory of this machine is enough to scan ${largest}M: a larger message may be put off each time, until its sender gives up`;
  const remedy = `Write message_size_limit = "${largest}M" below [mail] in hauspost.toml, or give the machine ${wants} MB of memory.`;
  return [{ level: 'warning', code: 'mail.not-scanned', message, remedy }];
};

export const serverFindings = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => [
  ...(await releaseFindings(context, input)),
  ...(await installationFindings(context)),
  ...(await certificateFindings(context, input)),
  ...(await copyFindings(context, input)),
  ...(await clockFindings(context, input)),
  ...resolverFindings(input),
  ...sizeFindings(input),
  ...(await keptElsewhere(context, input)),
  ...(await postmasterFindings(input.settings)),
];
