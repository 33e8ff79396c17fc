/** What `dns check` sees, as its document says it. */
import assert from 'node:assert/strict';
import { oneDocument } from '../command.ts';
import { forget, type Ours } from '../internet/index.ts';

interface Found {
  readonly name: string;
  readonly type: string;
  readonly kind: string;
  readonly state: string;
  readonly expected: readonly string[];
  readonly found: readonly string[];
  readonly servers: readonly { readonly name: string; readonly state: string }[];
  readonly stale_seconds: number | null;
}

interface Document {
  readonly ok: boolean;
  readonly zones: readonly { readonly zone: string; readonly standing: string; readonly servers: readonly { readonly state: string }[] }[];
  readonly records: readonly Found[];
  readonly findings: readonly { readonly level: string; readonly code: string; readonly message: string }[];
}

export const checked = async (server: Ours, domain: string): Promise<{ readonly code: number; readonly document: Document }> => {
  const output = await server.hauspost(['dns', 'check', domain, '--json']);
  return { code: output.code, document: oneDocument(output) as Document };
};

export const told = ({ records }: Document): readonly string[] =>
  records.filter(({ state }) => state !== 'right').map(({ name, kind, state }) => `${kind} ${name} ${state}`);

export const codes = ({ findings }: Document): readonly string[] => findings.map(({ code }) => code);

/** Looks afresh: exit status, which records are not right, and the codes of all findings. */
export const sees = async (
  server: Ours,
  expected: { readonly records?: readonly string[]; readonly codes?: readonly string[]; readonly code?: number },
  domain = server.identity.domain,
): Promise<Document> => {
  await forget(server, domain, 'example', 'in-addr.arpa', 'ip6.arpa');
  const { code, document } = await checked(server, domain);
  const all = JSON.stringify(document.findings, null, 1);
  assert.deepEqual([told(document), codes(document)], [expected.records ?? [], expected.codes ?? []], all);
  assert.deepEqual([code, document.ok], expected.code === undefined || expected.code === 0 ? [0, true] : [1, false], all);
  return document;
};
