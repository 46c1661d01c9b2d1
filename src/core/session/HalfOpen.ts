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
  /** How many of each, where that matters. */
  readonly #byHost = new Map<string, number>()

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
    for (const count of this.#byHost.values()) most = Math.max(most, count)
    return most
  }

  /** Enters a newcomer, dropping another if it must. */
  enter(entry: HalfOpenEntry): void {
    const { host } = entry
    const isCounted = this.#limitOfHost < this.#limit
    if (isCounted && (this.#byHost.get(host) ?? 0) >= this.#limitOfHost) this.#dropFirst((it) => it.host === host)
    else if (this.#entries.size >= this.#limit) this.#dropFirst(() => true)
    this.#entries.add(entry)
    if (isCounted) this.#byHost.set(host, (this.#byHost.get(host) ?? 0) + 1)
  }

  /** Its handshake is over. */
  leave(entry: HalfOpenEntry): void {
    if (!this.#entries.delete(entry)) return
    const count = this.#byHost.get(entry.host)
    if (count === undefined) return
    if (count === 1) this.#byHost.delete(entry.host)
    else this.#byHost.set(entry.host, count - 1)
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

  #dropFirst(isMeant: (entry: HalfOpenEntry) => boolean): void {
    for (const entry of this.#entries) {
      if (!isMeant(entry)) continue
      this.leave(entry)
      entry.drop("no room")
      return
    }
  }
}
