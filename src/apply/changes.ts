/** What would be done to the machine, one line each. Diffs name secrets, never show them. */
import type { Wake } from '#model';

export interface Change {
  readonly kind: 'package' | 'file' | 'dir' | 'derived' | 'certificate' | 'secret' | 'grant' | 'service' | 'migration';
  /** Path, package, service, or `principal on view`. */
  readonly target: string;
  readonly action: 'install' | 'create' | 'change' | 'remove' | 'grant' | 'revoke' | 'start' | 'migrate';
  /** What the change asks of daemons: `restart postfix`. */
  readonly needs: readonly string[];
  /** Somebody else changed it since it was applied. */
  readonly drift: boolean;
  /** Unified diff without the file header; empty where there is nothing to show. */
  readonly diff: string;
}

/** How it is named to a person. */
export const nameOf = ({ kind, target }: { readonly kind: string; readonly target: string }): string =>
  kind === 'certificate' ? `certificate ${target}` : kind === 'secret' ? `secret from ${target}` : target;

/** In no generation: daemons that do not run, and certificates, which are made as they are needed. */
export const isBeside = ({ kind }: Change): boolean => kind === 'service' || kind === 'certificate';

export const needs = (wakes: readonly Wake[]): readonly string[] => wakes.map((wake) => `${wake.by} ${wake.service}`);
