export class Door {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
