/** Records of the server itself. */
import type { DnsFacts, ServerKey } from './facts.ts';
import type { LeftOut, Wanted } from './record.ts';
import { hostSpf, spfLeftOut } from './spf.ts';

const STATE: Readonly<Record<ServerKey['state'], string>> = {
  current: 'the key that it has',
  next: 'the key that it will have; both are there until it is changed',
};

/** RFC 7672: DANE-EE, SubjectPublicKeyInfo, SHA-256 (section 3.1.1): neither authority nor date of the certificate counts. */
const tlsa = ({ hostname, keys }: DnsFacts): readonly Wanted[] =>
  keys.map(({ digest, state }) => ({
    name: `_25._tcp.${hostname}`,
    type: 'TLSA',
    data: { usage: 3, selector: 1, matching: 1, digest },
    why: `DANE: servers that send here know ${STATE[state]}; counts once the zone is signed (DNSSEC)`,
  }));

/** RFC 8659. */
const caa = ({ hostname, signer }: DnsFacts): readonly Wanted[] =>
  signer.by === 'authority'
    ? [
        {
          name: hostname,
          type: 'CAA',
          data: { flags: 0, tag: 'issue', value: signer.issue },
          why: `nobody but ${signer.name} may issue certificates for it`,
        },
      ]
    : [];

export const hostRecords = (facts: DnsFacts): readonly Wanted[] => {
  const { hostname, reached } = facts;
  return [
    ...reached.v4.map((address): Wanted => ({ name: hostname, type: 'A', data: { address }, why: 'where the server is reached by IPv4' })),
    ...reached.v6.map((address): Wanted => ({ name: hostname, type: 'AAAA', data: { address }, why: 'where the server is reached by IPv6' })),
    ...hostSpf(facts),
    ...tlsa(facts),
    ...caa(facts),
  ];
};

const NO_CAA = {
  'own-ca': "the server's own authority signs, of whom nobody outside has heard",
  unknown: 'by which name the authority that signed the certificate goes in CAA records is in its documents',
} as const;

export const hostLeftOut = (facts: DnsFacts): readonly LeftOut[] => {
  const { hostname, keys, signer } = facts;
  return [
    ...spfLeftOut(facts, hostname),
    ...(keys.length === 0 ? [{ what: `TLSA of _25._tcp.${hostname}`, why: "there is no certificate yet; 'hauspost apply' makes one" }] : []),
    ...(signer.by === 'authority' ? [] : [{ what: `CAA of ${hostname}`, why: NO_CAA[signer.by] }]),
  ];
};
