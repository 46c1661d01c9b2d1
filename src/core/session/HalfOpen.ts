/**
 * Connections whose handshake is not done, and how long they may take. When there is no room the oldest goes, never the
 * newcomer: a flood then pushes out itself, while an honest handshake needs only milliseconds.
 */

export type DropReason = "no room" | "timeout" | "closed here"

export interface HalfOpenEntry {
  readonly host: string
  /** When its time began, in milliseconds. */
  readonly since: number
  /** It has been left out already. */
  readonly drop: (reason: DropReason) => void
}

export class HalfOpen {
  readonly #limit: number
  readonly #limitOfHost: number
  /** In order of arrival. */
  readonly #entries = new Set<HalfOpenEntry>()
  readonly #byHost = new Map<string, Set<HalfOpenEntry>>()

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

  /** Enters a newcomer, dropping another if it must. */
  enter(entry: HalfOpenEntry): void {
    const siblings = this.#byHost.get(entry.host)
    if (siblings !== undefined && siblings.size >= this.#limitOfHost) this.#dropFirst(siblings)
    else if (this.#entries.size >= this.#limit) this.#dropFirst(this.#entries)
    this.#entries.add(entry)
    const now = this.#byHost.get(entry.host)
    if (now === undefined) this.#byHost.set(entry.host, new Set([entry]))
    else now.add(entry)
  }

  /** Its handshake is over. */
  leave(entry: HalfOpenEntry): void {
    if (!this.#entries.delete(entry)) return
    const siblings = this.#byHost.get(entry.host)
    siblings?.delete(entry)
    if (siblings?.size === 0) this.#byHost.delete(entry.host)
  }

  /** Drops those that entered before `deadline`. */
  sweep(deadline: number): void {
    for (const entry of this.#entries) {
      if (entry.since > deadline) return
      this.leave(entry)
      entry.drop("timeout")
    }
  }

  /** Drops all. */
  clear(): void {
    for (const entry of this.#entries) {
      this.leave(entry)
      entry.drop("closed here")
    }
  }

  #dropFirst(entries: ReadonlySet<HalfOpenEntry>): void {
    for (const entry of entries) {
      this.leave(entry)
      entry.drop("no room")
      return
    }
  }
}
