export { activate, inOrder, probe, stopAll, supervised, vantageOf } from './activate.ts';
export { type Applied, apply, type ApplyRequest } from './apply.ts';
export { blameOf, type Change, isUnasked, nameOf } from './changes.ts';
export { completed, daemonsOf, servicesOf } from './earlier.ts';
export { leave, planLeaving } from './leave.ts';
export { type Database, type Desired, type Lack, type Materials, type Plan, plan, type Surroundings } from './plan.ts';
export { packagesWant } from './wanted.ts';
export { openSecrets, type Secrets } from './secrets.ts';
export { type Generation, isReadable, type Meta, openStore, type State, type Store } from './store.ts';
