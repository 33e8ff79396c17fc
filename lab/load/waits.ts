/** How long answers took, by what was asked. */
export interface Wait {
  readonly what: string;
  readonly count: number;
  /** Seconds: half of all took no longer, 95 of 100, and the longest. */
  readonly p50: number;
  readonly p95: number;
  readonly most: number;
}

const waitOf = (what: string, seconds: readonly number[]): Wait => {
  const sorted = seconds.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { what, count: sorted.length, p50: at(0.5), p95: at(0.95), most: at(1) };
};

export class Waits {
  readonly #seconds = new Map<string, number[]>();

  /** Measures from now on. What fails is not counted. */
  async of<T>(what: string, answer: Promise<T>): Promise<T> {
    const begun = performance.now();
    const value = await answer;
    const all = this.#seconds.get(what) ?? [];
    all.push((performance.now() - begun) / 1000);
    this.#seconds.set(what, all);
    return value;
  }

  /** In the order in which each was asked first. */
  table(): readonly Wait[] {
    return [...this.#seconds].map(([what, seconds]) => waitOf(what, seconds));
  }
}
