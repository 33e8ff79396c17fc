/** Who is not to get through, also when there is much to do: one without a name, and one whose message the filter refuses. */
import { brought, callOf, FAMILIES, letter, said } from '../internet/index.ts';
import { type LoadPlace, NAMELESS, pause, SPAMMER } from './place.ts';

const EVERY_MS = 10_000;
/** In two halves, so that this file is not taken for it. */
const GTUBE = ['XJS*C4JDBQADN1.NSBN3*2IDNEN*', 'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'].join('');

/** What each of them was told, one after the other until it is over, and twice at least. */
export interface Strays {
  readonly nameless: readonly string[];
  readonly spammer: readonly string[];
}

export const strays = async ({ street, server, people: [somebody] }: LoadPlace, over: AbortSignal): Promise<Strays> => {
  const told: { readonly nameless: string[]; readonly spammer: string[] } = { nameless: [], spammer: [] };
  for (let turn = 0; turn < 2 || !over.aborted; turn += 1) {
    const family = FAMILIES[turn % 2] ?? 'v4';
    const to = somebody?.user ?? '';
    const [nameless, spammer] = [NAMELESS, SPAMMER].map(({ name, addresses }) => ({ ...callOf(name, addresses, family), to }));
    if (nameless === undefined || spammer === undefined) break;
    const text = `${letter(`stray-${turn}@spammer.example`, spammer.sender, to)}${GTUBE}\r\n`;
    told.nameless.push(said(await brought(street, server, { ...nameless, text: letter(`stray-${turn}@nameless.example`, nameless.sender, to) })));
    told.spammer.push(said(await brought(street, server, { ...spammer, text })));
    await pause(EVERY_MS, over);
  }
  return told;
};
