/**
 * Connections whose handshake is not done, and how long they may take. When there is no room the oldest goes, never the newcomer: a flood
 * then pushes out itself, while an honest handshake needs only milliseconds.
 */

export type DropReason = "no room" | "timeout"

interface Entry {
  readonly host: string
  readonly since: number
  readonly drop: (reason: DropReason) => void
}

export class HalfOpen {
  readonly #limit: number
  readonly #limitOfHost: number
  /** In order of arrival. */
  readonly #entries = new Set<Entry>()
  readonly #byHost = new Map<string, Set<Entry>>()

  constructor(limit: number, limitOfHost: number) {
    this.#limit = limit
    this.#limitOfHost = limitOfHost
  }

  get size(): number {
    return this.#entries.size
  }

  /** Of the host that has the most. */
  mostOfHost(): number {
    let most = 0
    for (const { size } of this.#byHost.values()) most = Math.max(most, size)
    return most
  }

  /** Enters a newcomer, dropping another if it must; answers what to call when its handshake is over. */
  enter(host: string, since: number, drop: Entry["drop"]): () => void {
    const siblings = this.#byHost.get(host)
    const oldest = siblings !== undefined && siblings.size >= this.#limitOfHost ? siblings : this.#entries
    if (oldest === siblings || this.#entries.size >= this.#limit) {
      for (const entry of oldest) {
        this.#leave(entry)
        entry.drop("no room")
        break
      }
    }
    const entry = { host, since, drop }
    this.#entries.add(entry)
    const now = this.#byHost.get(host)
    if (now === undefined) this.#byHost.set(host, new Set([entry]))
    else now.add(entry)
    return () => this.#leave(entry)
  }

  /** Drops those that entered before `deadline`. */
  sweep(deadline: number): void {
    for (const entry of this.#entries) {
      if (entry.since > deadline) return
      this.#leave(entry)
      entry.drop("timeout")
    }
  }

  #leave(entry: Entry): void {
    if (!this.#entries.delete(entry)) return
    const siblings = this.#byHost.get(entry.host)
    siblings?.delete(entry)
    if (siblings?.size === 0) this.#byHost.delete(entry.host)
  }
}
