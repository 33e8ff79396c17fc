/** What would be done to the machine, one line each. Diffs name secrets, never show them. */
import { structuredPatch } from 'diff';
import type { Wake } from '#model';

export interface Change {
  readonly kind: 'package' | 'file' | 'dir' | 'derived' | 'certificate' | 'secret' | 'grant' | 'service' | 'migration';
  /** Path, package, service, migration, or `principal on view`. */
  readonly target: string;
  readonly action: 'install' | 'create' | 'change' | 'remove' | 'grant' | 'revoke' | 'start' | 'restart' | 'stop' | 'migrate';
  /** What the change asks of daemons: `restart postfix`. */
  readonly needs: readonly string[];
  /** Somebody else changed it since it was applied. */
  readonly drift: boolean;
  /** Name and version: whose scripts changed it, where that was not somebody by hand; or, of what a program of it makes, that it is newer. */
  readonly package?: string;
  /** Unified diff without the file header; empty where there is nothing to show. */
  readonly diff: string;
}

/** One that asks nothing of daemons, unless `rest` says otherwise. */
export const plainChange = (kind: Change['kind'], target: string, action: Change['action'], rest: Partial<Change> = {}): Change => ({
  kind,
  target,
  action,
  needs: [],
  drift: false,
  diff: '',
  ...rest,
});

/** Hunks without the file header. */
export const unified = (before: string, after: string): string =>
  structuredPatch('', '', before, after, '', '', { context: 2 })
    .hunks.flatMap((hunk) => [`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`, ...hunk.lines])
    .join('\n');

const SAID: Partial<Readonly<Record<string, (target: string) => string>>> = {
  certificate: (target) => `certificate ${target}`,
  secret: (target) => `secret from ${target}`,
  migration: (target) => `the database: ${target}`,
};

/** How it is named to a person. */
export const nameOf = ({ kind, target }: { readonly kind: string; readonly target: string }): string => SAID[kind]?.(target) ?? target;

/** Who changed it, in words for a person; empty where nobody did. */
export const blameOf = ({
  drift,
  action,
  package: by,
}: {
  readonly drift: boolean;
  readonly action: string;
  readonly package?: string | undefined;
}): string => (drift ? `${action === 'create' ? 'removed' : 'changed'} by ${by === undefined ? 'somebody else' : `the package ${by}`} since` : '');

/** Done without a question: daemons that do not run, and certificates, which are made and read as they are needed. */
export const isUnasked = ({ kind }: Change): boolean => kind === 'service' || kind === 'certificate';

/** In no generation: the same, and what the database lacks of what was applied already. */
export const isBeside = (change: Change): boolean => isUnasked(change) || change.kind === 'migration' || (change.kind === 'grant' && change.drift);

export const needs = (wakes: readonly Wake[]): readonly string[] => wakes.map((wake) => `${wake.by} ${wake.service}`);
