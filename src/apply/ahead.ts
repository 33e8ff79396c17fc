/** What slow daemons have done for them while packages are still being installed. */
import type { Machine } from '#machine';
import type { Ahead, Service, ServiceName } from '#model';

const LONGEST_MS = 180_000;

const compute = async (machine: Machine, { files, argv }: Ahead): Promise<void> => {
  for (const { path, text } of files) await machine.write(path, text, { owner: 'root:root', mode: 0o644 });
  await machine.run(argv, { ms: LONGEST_MS });
};

/** Never rejects: what was not done ahead the daemon does as it starts. */
const carryOut = async (machine: Machine, ahead: Ahead): Promise<void> => {
  await compute(machine, ahead).catch(() => undefined);
  await Promise.allSettled(ahead.files.map(({ path }) => machine.remove(path)));
};

export interface AheadOf {
  /** To be called with each package that is set up. */
  begin(packageName: string): void;
  /** The end of what is done for the service; undefined where nothing is. */
  done(service: ServiceName): Promise<void> | undefined;
}

export const aheadOf = (machine: Machine, services: readonly Service[]): AheadOf => {
  const underWay = new Map<ServiceName, Promise<void>>();
  return {
    begin: (packageName) => {
      for (const { name, ahead } of services) if (ahead?.package === packageName) underWay.set(name, carryOut(machine, ahead));
    },
    done: (service) => underWay.get(service),
  };
};
