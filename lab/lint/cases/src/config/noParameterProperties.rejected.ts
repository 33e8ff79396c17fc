export class Door {
  constructor(readonly name: string) {}
}
