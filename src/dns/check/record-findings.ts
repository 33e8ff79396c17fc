/** In words: what is wrong with the records, and what to do about each. */
import type { Finding } from '#model';
import type { DnsFacts } from '../facts.ts';
import type { Checked } from './checked.ts';
import { isOptional, type Kind } from './expectation.ts';
import { resultsOf, valuesOf, voiceText, whatOf } from './words.ts';

const finding = (level: Finding['level'], code: string, message: string, remedy: string): Finding => ({ level, code, message, remedy });

/** Where to change it: an address's own name is not in a zone of the operator's. */
const change = ({ expectation: { kind, of, wanted } }: Checked): string =>
  kind === 'ptr'
    ? `Ask the provider of ${of} to give it the name ${valuesOf(wanted, 'PTR')}`
    : `Publish what 'hauspost dns records ${of}' shows; where a name server takes changes, 'hauspost dns push ${of}' does.`;

const missing = (checked: Checked): Finding =>
  finding(
    isOptional(checked.expectation.kind) ? 'warning' : 'error',
    'dns.missing',
    `${whatOf(checked.expectation)} is missing: ${valuesOf(checked.expected, checked.expectation.type)}`,
    change(checked),
  );

/** What helps besides publishing what is printed. */
const INSTEAD: Readonly<Partial<Record<Kind, string>>> = {
  address: 'If the world does reach the server there (NAT, a proxy): public_addresses = ["..."] below [network].',
  dmarc: 'If that policy is meant: dmarc = "..." below [dns].',
  spf: 'More mechanisms than are printed are fine, as long as this server is let send and not everybody is (+all).',
  caa: 'The authority that signed the certificate would refuse to renew it.',
  tlsa: 'Until then servers that know DANE bring nothing.',
};

const BACK = { true: ', which leads back to the address', false: ', which does not even lead back to the address' } as const;

const wrong = (checked: Checked): Finding => {
  const { expectation, expected, found, leadsBack, evaluated = [] } = checked;
  const back = leadsBack === undefined ? '' : BACK[`${leadsBack}`];
  const results = evaluated.length === 0 ? '' : `, by which the result is ${resultsOf(evaluated)}`;
  const message = `${whatOf(expectation)}: expected ${valuesOf(expected, expectation.type)}; found ${valuesOf(found, expectation.type)}${back}${results}`;
  const instead = INSTEAD[expectation.kind];
  return finding('error', 'dns.wrong', message, instead === undefined ? change(checked) : `${change(checked)} ${instead}`);
};

const SPOILT: Readonly<Record<Kind, string>> = {
  address: 'the name leads elsewhere as well',
  mx: 'mail is brought elsewhere first, or as well',
  spf: 'with more than one SPF record none counts (RFC 7208 section 4.5)',
  dkim: 'with more than one record at the selector nobody knows which counts (RFC 6376 section 3.6.2.2)',
  dmarc: 'with more than one DMARC record none counts (RFC 9989)',
  tlsa: 'it is of a key that this server does not have, and lets in whoever has it',
  caa: 'others may issue as well',
  srv: 'mail programs are led elsewhere as well',
  client: 'the name leads elsewhere as well',
  ptr: 'the address has another name as well, and others see now this one, now that',
};

const UNLESS: Readonly<Partial<Record<Kind, string>>> = {
  address: 'or name it in public_addresses below [network], if it is this server',
  mx: 'or give it a higher number than ours, if it is a backup',
};

const inTheWay = (checked: Checked): Finding => {
  const { expectation, found } = checked;
  const { kind, type, of } = expectation;
  const remove = kind === 'ptr' ? `Ask the provider of ${of} to remove it` : 'Remove it';
  return finding(
    'error',
    'dns.in-the-way',
    `${whatOf(expectation)}: ${SPOILT[kind]}: ${valuesOf(found, type)}`,
    `${[remove, ...(UNLESS[kind] === undefined ? [] : [UNLESS[kind]])].join(', ')}.`,
  );
};

const alias = (checked: Checked): Finding => {
  const { name } = checked.expectation;
  const message = `${name} is an alias (CNAME) of ${valuesOf(checked.found, 'CNAME')} Mail is brought neither to an alias nor for one (RFC 2181 section 10)`;
  return finding('error', 'dns.cname', message, `Remove the CNAME, and publish what 'hauspost dns records ${name}' shows.`);
};

const notEverywhere = (checked: Checked): Finding => {
  const { expectation, voices } = checked;
  const wanted = valuesOf(expectation.wanted, expectation.type);
  const message = `${whatOf(expectation)} is not shown everywhere (${wanted}): ${voices.map((voice) => voiceText(voice, expectation)).join('; ')}`;
  return finding(
    'error',
    'dns.not-everywhere',
    message,
    'Wait for the transfer; if it does not come, see why the one server does not get the zone from the other.',
  );
};

const differing = (checked: Checked): readonly Finding[] => {
  const { expectation, expected, found } = checked;
  const message = `${whatOf(expectation)} does as well, though not as printed: expected ${valuesOf(expected, expectation.type)}; found ${valuesOf(found, expectation.type)}`;
  return [finding('warning', 'dns.differs', message, 'Leave it, if it is meant.')];
};

/** Whatever kept it from us may keep it from others. */
const unevaluated = ({ expectation, found, evaluated = [] }: Checked): Finding => {
  const there = valuesOf(found, expectation.type);
  const message = `${whatOf(expectation)}: found ${there}; whether that lets this server send could not be found out for ${resultsOf(evaluated)}`;
  const remedy = `Look again later; if it stays so, see that what it leads to is there, or publish what 'hauspost dns records ${expectation.of}' shows.`;
  return finding('warning', 'dns.spf-unknown', message, remedy);
};

const leftOver = ({ expectation, found }: Checked): Finding => {
  const { kind, name, type } = expectation;
  return kind === 'dkim'
    ? finding('warning', 'dns.left-over', `${whatOf(expectation)} is still published, but its key is gone from this server`, 'Remove it.')
    : finding(
        'warning',
        'dns.left-over',
        `${name} leads here (${valuesOf(found, type)}), but the certificate is not valid for that name: mail programs that try it are warned of the server`,
        'Remove it, or have the name in the certificate.',
      );
};

const stale = ({ expectation, stale: seen }: Checked): readonly Finding[] => {
  if (seen === undefined) return [];
  const there = seen.shows.length === 0 ? 'that there is none' : valuesOf(seen.shows, expectation.type);
  const message = `${whatOf(expectation)} is right, but this machine's resolver remembers ${there}, for ${seen.seconds} more seconds; others may as well`;
  return [finding('warning', 'dns.stale', message, 'Wait; nothing is to be done.')];
};

const bogus = ({ expectation, zone }: Checked): Finding =>
  finding(
    'error',
    'dns.dnssec-broken',
    `${whatOf(expectation)} has wrong signatures (DNSSEC), and who validates does not see it`,
    `Have ${zone.name} signed anew; the tool is the name server's.`,
  );

const ofState = (checked: Checked): readonly Finding[] => {
  switch (checked.state) {
    case 'right':
    case 'unknown':
      return [];
    case 'missing':
      return [missing(checked)];
    case 'wrong':
      return [wrong(checked)];
    case 'in-the-way':
      return [inTheWay(checked)];
    case 'alias':
      return [alias(checked)];
    case 'not-everywhere':
      return [notEverywhere(checked)];
    case 'differs':
      return differing(checked);
    case 'left-over':
      return [leftOver(checked)];
    case 'unevaluated':
      return [unevaluated(checked)];
    case 'stale':
      return stale(checked);
  }
};

/** By these mail leaves, but nobody is led to them. */
export const unconfirmed = ({ hostname, sending: { v4, v6 } }: DnsFacts, checked: readonly Checked[]): readonly Finding[] => {
  const named = (address: string): boolean =>
    checked.some(
      ({ expectation: { kind, of }, state }) => kind === 'ptr' && of === address && state !== 'missing' && state !== 'wrong' && state !== 'unknown',
    );
  return [...v4, ...v6]
    .filter(named)
    .map((address) =>
      finding(
        'warning',
        'dns.not-confirmed',
        `mail may leave by ${address}, which has the name ${hostname}, but that does not lead back to it: many servers turn such mail away`,
        `Add ${address} to public_addresses below [network], if the server is reached there as well; or take the address from the machine.`,
      ),
    );
};

/** An alias is told once, however many records it keeps away. */
const distinct = (findings: readonly Finding[]): readonly Finding[] => [
  ...new Map(findings.map((each) => [`${each.code} ${each.message}`, each])).values(),
];

export const recordFindings = (checked: readonly Checked[]): readonly Finding[] =>
  distinct(checked.flatMap((each) => [...ofState(each), ...(each.bogus ? [bogus(each)] : [])]));
