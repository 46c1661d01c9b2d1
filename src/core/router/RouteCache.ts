/** The path in use to each recipient, up to a number of them; the one that was used longest ago makes room. */

/** Recipients with a path; some 200 bytes each. */
export const ROUTES = 256

export class RouteCache<R> {
  readonly #limit: number
  /** Least recently used first. */
  readonly #routes = new Map<string, R>()

  constructor(limit = ROUTES) {
    this.#limit = limit
  }

  get size(): number {
    return this.#routes.size
  }

  /** The path to this recipient, forgotten when it is no good any more. */
  find(recipient: string, isGood: (route: R) => boolean): R | undefined {
    const route = this.#routes.get(recipient)
    if (route === undefined) return undefined
    this.#routes.delete(recipient)
    if (!isGood(route)) return undefined
    this.#routes.set(recipient, route)
    return route
  }

  set(recipient: string, route: R): void {
    this.#routes.delete(recipient)
    if (this.#routes.size >= this.#limit) this.#routes.delete(this.#routes.keys().next().value ?? "")
    this.#routes.set(recipient, route)
  }

  /** Nobody takes this one again. */
  drop(route: R): void {
    for (const [recipient, it] of this.#routes) if (it === route) this.#routes.delete(recipient)
  }
}
