/** What the question of a `rollback` says beside its changes: what the earlier configuration makes of the machine, and what that would lack. */
import type { Desired } from '#apply';
import { hanging } from '#base';
import { optionChanges } from '#config';
import { inPlace } from './desired.ts';
import type { Consent, Context } from './operation.ts';
import { postmasterFindings } from './people.ts';

const NOT_WRITTEN = 'not written';

/** Options that are written otherwise than for what is in place. */
const options = async (context: Context, source: string): Promise<readonly string[]> => {
  const kept = await inPlace(context);
  const changes = kept?.source === undefined ? [] : optionChanges(kept.source, source);
  if (changes.length === 0) return [];
  const lines = changes.map(({ option, was = NOT_WRITTEN, is = NOT_WRITTEN }) => hanging(`  ${option}: ${was} -> ${is}`, '      '));
  return [`It was made from other options than generation ${kept?.meta.number}, which is in place:`, ...lines];
};

/** The options and findings come last: the list of changes may be longer than the screen. */
export const explained = async (
  context: Context,
  { number, desired }: { readonly number: number; readonly desired: Desired },
  asked: readonly Consent[],
): Promise<readonly Consent[]> => {
  if (asked.length === 0) return asked;
  const { profile, hostname, postmaster } = desired.input.settings;
  const findings = await postmasterFindings(desired.input.settings);
  const more = [
    `Generation ${number} makes this machine ${hostname} (profile "${profile}"), whose postmaster is ${postmaster}.`,
    ...(await options(context, desired.source)),
    ...findings.map(({ message, remedy }) => `Attention: then ${message}.\n  ${remedy}`),
  ];
  return asked.map((each) => ({ ...each, text: [each.text, ...more].join('\n') }));
};
