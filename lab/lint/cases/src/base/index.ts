export const one = 1;
export interface Named {
  readonly name: string;
}
