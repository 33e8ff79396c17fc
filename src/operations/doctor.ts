/** `doctor`: whether all is well, here and as others see it. */
import { z } from 'zod';
import { type Desired, inOrder, supervised } from '#apply';
import { initOf } from '#machine';
import type { Finding } from '#model';
import { interruptionFindings } from './applying.ts';
import { unreadFindings } from './certificates.ts';
import { serverFindings } from './findings.ts';
import { judged } from './judged.ts';
import { nameFindings, toldOnce } from './names.ts';
import { type Context, operation } from './operation.ts';
import { outwardFindings } from './outwards.ts';
import { aliasFindings, finding, policyFindings } from './people.ts';
import { dnsFindingsInFull } from './world.ts';

/** One that is just starting is none of them. */
const notRunning = async ({ machine }: Context, { input, services }: Desired): Promise<readonly Finding[]> => {
  const all = inOrder(services);
  const states = await initOf(machine, input.facts).states(all.map((service) => supervised(service, input)));
  const names = all.flatMap(({ name }, index) => (['stopped', 'failed'].includes(states[index]?.state ?? '') ? [name] : []));
  if (names.length === 0) return [];
  const message = `not running: ${names.join(', ')}`;
  return [{ level: 'error', code: 'service.not-running', message, remedy: "'hauspost up' starts what is stopped; why it ended its log says." }];
};

export const doctor = operation({
  name: 'doctor',
  summary:
    'Says what is wrong or will be: daemons, certificate, clock, names, postmaster, aliases; and outside: DNS, port 25, blocklists. Changes nothing.',
  example: 'hauspost doctor',
  positionals: [],
  input: z.object({}),
  output: z.object({ ok: z.boolean().describe('no finding is an error'), findings: z.array(finding).readonly() }),
  needs: 'server',
  exitCode: ({ ok }) => (ok ? 0 : 1),
  run: async (context) => {
    const { desired, findings: ofFile } = await judged(context);
    const { input } = desired;
    const dns = input.settings.profile === 'local' ? [] : dnsFindingsInFull(context, input);
    const found = await Promise.all([
      interruptionFindings(context),
      notRunning(context, desired),
      serverFindings(context, input),
      unreadFindings(context, input),
      nameFindings(input),
      dns,
      outwardFindings(input),
      aliasFindings(input.settings),
      policyFindings(),
    ]);
    const findings = toldOnce([...ofFile, ...found.flat()]);
    return { ok: findings.every(({ level }) => level !== 'error'), findings };
  },
});
