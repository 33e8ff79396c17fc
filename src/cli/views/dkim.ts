/** `dkim list`, `dkim rotate`, `dkim import`, `dkim export` for a person. */
import { readable } from '#base';
import { absolute, quotedStrings, shellLine } from '#formats';
import type { OutputOf } from '#operations';
import { columns } from './table.ts';

const ALGORITHMS = { rsa: 'RSA', ed25519: 'Ed25519' };

const minute = (iso: string): string => iso.slice(0, 16).replace('T', ' ');
const at = (iso: string): string => `${minute(iso)} UTC`;

type Key = OutputOf<'dkim list'>[number];

/** What is waited for takes a line of its own: with it no table fits a terminal. */
const waits = (selector: string, until: string | null, why: string): string =>
  `${selector} waits${until === null ? '' : ` until ${at(until)}`}: ${why}`;

const row = ({ selector, algorithm, state, since, next, at: when, waits: why }: Key): readonly string[] => [
  selector,
  ALGORITHMS[algorithm],
  state,
  since?.slice(0, 10) ?? 'not known',
  when === null || why !== null ? next : `${next} ${minute(when)}`,
];

const HEAD = ['SELECTOR', 'ALGORITHM', 'STATE', 'SINCE', 'NEXT (UTC)'];

/** Keys, states and copies (docs/dkim.md); there may be no states. */
const PLACES = ['/var/lib/hauspost/secrets/dkim', '/var/lib/hauspost/dkim', '/var/lib/rspamd/dkim'];

const gone = (domain: string): string =>
  `\nNo longer a domain of this server; the keys stay in case it comes back.\nThis removes them for good:\n  ${shellLine(['rm', '-rf', ...PLACES.map((place) => `${place}/${domain}`)])}\n`;

export const dkimList = (keys: OutputOf<'dkim list'>): string => {
  if (keys.length === 0) return "There is no DKIM key yet; 'hauspost domain add example.org' makes some with the domain.\n";
  const tables = [...Map.groupBy(keys, ({ domain }) => domain)].map(([domain, some]) => {
    const waiting = some.flatMap(({ selector, at: until, waits: why }) => (why === null ? [] : [`${waits(selector, until, why)}.\n`]));
    const kept = some.some(({ served }) => !served) ? gone(domain) : '';
    return `Domain ${readable(domain)}\n\n${columns([HEAD, ...some.map(row)])}\n${waiting.length === 0 ? '' : `\n${waiting.join('')}`}${kept}`;
  });
  return tables.join('\n');
};

type Rotated = OutputOf<'dkim rotate'>['domains'][number];

const SAYS = {
  active: 'signs from now on',
  retiring: 'signs no longer; its record stays for mail under way',
  retired: 'is gone; its record may go as well',
};

const oneDomain = ({ domain, made, steps, waiting }: Rotated): readonly string[] =>
  [
    ...made.map((selector) => `${selector} is made`),
    ...steps.map(({ selector, state }) => `${selector} ${SAYS[state]}`),
    ...waiting.map(({ selector, why, until }) => waits(selector, until, why)),
  ].map((line) => `${readable(domain)}: ${line}.\n`);

const toPublish = (domains: readonly Rotated[]): readonly string[] =>
  domains.some(({ waiting }) => waiting.length > 0)
    ? [
        "\n'hauspost dns records' shows what is to be published. The keys sign when every server shows their records: upkeep looks, and so does 'hauspost dkim rotate'. Until then the present ones sign.\n",
      ]
    : [];

const said = (domains: readonly Rotated[], nothing: string): string => {
  const lines = domains.flatMap(oneDomain);
  return lines.length === 0 ? `${nothing}\n` : [...lines, ...toPublish(domains)].join('');
};

export const dkimRotate = ({ domains }: OutputOf<'dkim rotate'>): string => said(domains, 'There is no domain yet.');

export const dkimImport = ({ domains, selector }: OutputOf<'dkim import'>): string => said(domains, `The key ${selector} was there already.`);

export const dkimExport = ({ record, private_key: pem, file }: OutputOf<'dkim export'>): string => {
  if (pem !== null) return pem;
  if (file !== null) return `The private key is in ${file}.\n`;
  return `${absolute(record.name)} IN TXT ${quotedStrings(record.text, record.name)}\n`;
};
