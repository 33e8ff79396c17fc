/** Whom the server asks for names. DNSSEC matters here: without validated answers there is no DANE. */
import { type HauspostError, operatorError } from '#base';
import { choice, flag, ipAddresses } from './kinds.ts';
import { auto, option, section } from './option.ts';

const nobodyToAsk = (): HauspostError =>
  operatorError({
    code: 'config.no-forwarders',
    message: 'resolver.mode is "forward", but neither resolver.forwarders nor /etc/resolv.conf names a resolver',
    remedy: 'Write forwarders = ["192.0.2.53"] below [resolver], or mode = "recursive".',
    detail: { path: 'resolver.forwarders' },
  });

/**
 * Why signatures are not checked, where nobody wrote that they shall not be: a resolver strips them, one has not answered so far, or the
 * operator named ones that are not the machine's, which are not asked.
 */
export type Unvalidated = 'stripped' | 'unanswered' | 'unasked';

const unvalidated = (known: boolean, carry: boolean | null): Unvalidated | null => {
  if (!known) return 'unasked';
  return carry === true ? null : carry === false ? 'stripped' : 'unanswered';
};

export const resolver = section({
  name: 'resolver',
  doc: 'Whom the server asks for names. It brings its own resolver, Unbound, on loopback.',
  options: {
    /** `recursive`: asks the root. `forward`: asks `forwarders`. */
    mode: option({
      key: 'mode',
      kind: choice('recursive', 'forward'),
      default: auto('"forward" in profile "local" and where forwarders are written; else "recursive"'),
      doc: '"recursive": ask the name servers of the world, from the root down. "forward": ask the resolvers in forwarders.',
      why: 'Blocklists do not answer those who ask through the large public resolvers.',
      example: 'recursive',
      since: '0.1',
    }),
    /** Empty with `recursive`; with `forward` only in profile `local` on a machine that has no resolver. */
    forwarders: option({
      key: 'forwarders',
      kind: ipAddresses(8),
      default: auto('with mode "forward" the resolvers in /etc/resolv.conf; else none'),
      doc: 'The resolvers to ask. Only with mode = "forward".',
      why: 'For networks that let DNS out through their own resolvers alone.',
      example: ['192.0.2.53', '2001:db8::53'],
      since: '0.1',
    }),
    validate: option({
      key: 'validate',
      kind: flag,
      default: auto('with mode "recursive" true; with mode "forward" true if the resolvers are those of /etc/resolv.conf and pass DNSSEC on'),
      doc: 'Whether DNSSEC signatures are checked. With true, names whose signatures do not fit do not exist.',
      why: 'DANE needs it. Behind a resolver that strips signatures every signed name would be lost, so there it is off.',
      example: true,
      since: '0.1',
    }),
  },
  rules: ({ wants: { mode, forwarders = [] }, wrote }) => {
    const nowhere = forwarders.find((address) => address === '0.0.0.0' || address === '::');
    return [
      ...(mode === 'recursive' && wrote('forwarders')
        ? [
            {
              at: 'forwarders',
              code: 'config.exclusive' as const,
              message: 'resolver.forwarders is not used while resolver.mode is "recursive"',
              remedy: 'Write mode = "forward" below [resolver], or remove forwarders.',
            },
          ]
        : []),
      ...(nowhere === undefined
        ? []
        : [
            {
              at: 'forwarders',
              code: 'config.out-of-range' as const,
              message: `resolver.forwarders names ${nowhere}, which is nobody's address`,
              remedy: 'Write the address of a resolver.',
            },
          ]),
    ];
  },
  settings: (wants, { profile, facts }) => {
    const mode = wants.mode ?? (wants.forwarders !== undefined || profile === 'local' ? 'forward' : 'recursive');
    if (mode === 'recursive') return { ...wants, mode, forwarders: [], validate: wants.validate ?? true, unvalidated: null };
    const forwarders = wants.forwarders ?? facts.resolvers;
    // In profile local a machine without a network is welcome: then only the names of the server itself are answered.
    if (forwarders.length === 0 && profile === 'public') throw nobodyToAsk();
    const known = forwarders.every((address) => facts.resolvers.includes(address));
    const why = wants.validate !== undefined || forwarders.length === 0 ? null : unvalidated(known, facts.resolversCarryDnssec);
    return { ...wants, mode, forwarders, validate: wants.validate ?? (forwarders.length > 0 && why === null), unvalidated: why };
  },
});
