/** Values by name, of a limited weight together: whatever was not asked for the longest goes first. */
export class BoundedStore<T> {
  readonly #limit: number;
  readonly #weigh: (value: T) => number;
  readonly #values = new Map<string, T>(); // in the order of their last use
  #weight = 0;

  /** A value that is heavier than `limit` is not kept. */
  constructor(limit: number, weigh: (value: T) => number) {
    this.#limit = limit;
    this.#weigh = weigh;
  }

  get(name: string): T | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    this.#values.delete(name);
    this.#values.set(name, value);
    return value;
  }

  /** Replaces what has the name. */
  set(name: string, value: T): void {
    this.#drop(name);
    this.#values.set(name, value);
    this.#weight += this.#weigh(value);
    for (const oldest of this.#values.keys()) {
      if (this.#weight <= this.#limit) break;
      this.#drop(oldest);
    }
  }

  #drop(name: string): void {
    const value = this.#values.get(name);
    if (value === undefined) return;
    this.#values.delete(name);
    this.#weight -= this.#weigh(value);
  }
}
