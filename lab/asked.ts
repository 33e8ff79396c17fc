/**
 * What the host's programs say of themselves and all test files need: asked once, by the runner, which hands the answers on in the
 * environment. A file that runs without the runner asks by itself.
 */
import { must } from './process.ts';

const QUESTIONS = {
  HAUSPOST_LAB_APT_TARGETS: ['apt-get', 'indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages'],
  HAUSPOST_LAB_APT_CONFIG: ['apt-config', 'dump'],
  HAUSPOST_LAB_NPM_REGISTRY: ['npm', 'config', 'get', 'registry'],
} as const;

/** Standard output of the program. */
export const asked = async (question: keyof typeof QUESTIONS): Promise<string> =>
  (process.env[question] ??= (await must(QUESTIONS[question])).stdout);

/** A layer is made anew every month, for the packages that changed meanwhile; not in the middle of a run. */
export const month = (): string => (process.env['HAUSPOST_LAB_MONTH'] ??= new Date().toISOString().slice(0, 7));

/** So that processes that are started from now on need not ask. */
export const askHost = async (): Promise<void> => {
  for (const question of Object.keys(QUESTIONS)) await asked(question as keyof typeof QUESTIONS);
  month();
};
