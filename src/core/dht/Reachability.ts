/**
 * Whether others reach this node, from what peers say who tried (DESIGN.md §6, mode auto): a server once peers of three
 * networks have, and no longer when three in a row have not. In a network that spans fewer, all there are must do.
 */

/** Networks from which this node must have been reached, and failures in a row that end it. */
export const NETWORKS_WANTED = 3
export const FAILURES_ALLOWED = 3

export class Reachability {
  #serving: boolean
  #failures = 0
  readonly #reachedFrom = new Set<string>()

  constructor(serving: boolean) {
    this.#serving = serving
  }

  get serving(): boolean {
    return this.#serving
  }

  /** Whether a peer of this network has something new to say. */
  wants(network: string): boolean {
    return this.#serving || !this.#reachedFrom.has(network)
  }

  /** A peer of this network tried; `networks` is how many of them this node knows peers in. */
  tried(network: string, reached: boolean, networks: number): void {
    if (!reached) {
      if (++this.#failures < FAILURES_ALLOWED) return
      this.#serving = false
      this.#failures = 0
      this.#reachedFrom.clear()
      return
    }
    this.#failures = 0
    if (this.#serving) return
    this.#reachedFrom.add(network)
    if (this.#reachedFrom.size < Math.min(NETWORKS_WANTED, Math.max(networks, 1))) return
    this.#serving = true
    this.#reachedFrom.clear()
  }
}
