/** What would be done to the machine, one line each. Diffs name secrets, never show them. */
import { structuredPatch } from 'diff';
import type { Wake } from '#model';

export interface Change {
  readonly kind: 'package' | 'file' | 'dir' | 'derived' | 'certificate' | 'secret' | 'grant' | 'service' | 'migration';
  /** Path, package, service, or `principal on view`. */
  readonly target: string;
  readonly action: 'install' | 'create' | 'change' | 'remove' | 'grant' | 'revoke' | 'start' | 'restart' | 'stop' | 'migrate';
  /** What the change asks of daemons: `restart postfix`. */
  readonly needs: readonly string[];
  /** Somebody else changed it since it was applied. */
  readonly drift: boolean;
  /** Not somebody by hand but the scripts of a package: its name and version. */
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

/** How it is named to a person. */
export const nameOf = ({ kind, target }: { readonly kind: string; readonly target: string }): string =>
  kind === 'certificate' ? `certificate ${target}` : kind === 'secret' ? `secret from ${target}` : target;

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

/** In no generation: daemons that do not run, and certificates, which are made as they are needed. */
export const isBeside = ({ kind }: Change): boolean => kind === 'service' || kind === 'certificate';

export const needs = (wakes: readonly Wake[]): readonly string[] => wakes.map((wake) => `${wake.by} ${wake.service}`);
