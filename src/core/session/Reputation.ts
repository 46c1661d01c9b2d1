/**
 * What peers did wrong, by NodeId, and who is banned for it. Time is an argument, in milliseconds.
 *
 * A peer begins at zero and is charged upwards; what it owes melts away with time. Both maps are bounded: whoever was
 * charged, or banned, longest ago is forgotten first, so that a crowd of new identities cannot fill the memory. It can
 * wash out old bans, but pays for each identity with handshakes.
 */

export interface ReputationRules {
  /** Owing so much means a ban. */
  readonly bottom: number
  /** Points forgiven a minute. */
  readonly forgivenPerMinute: number
  readonly banMillis: number
  /** Entries in each of the two maps. */
  readonly limit: number
}

export class Reputation {
  readonly #rules: ReputationRules
  readonly #owing = new Map<string, { points: number; at: number }>()
  readonly #banned = new Map<string, number>()

  constructor(rules: ReputationRules) {
    this.#rules = rules
  }

  get bans(): number {
    return this.#banned.size
  }

  get charged(): number {
    return this.#owing.size
  }

  /** Answers true if this charge led to a ban. */
  charge(key: string, points: number, now: number): boolean {
    const total = this.owing(key, now) + points
    this.#owing.delete(key)
    if (total < this.#rules.bottom) {
      makeRoom(this.#owing, this.#rules.limit)
      this.#owing.set(key, { points: total, at: now })
      return false
    }
    this.#banned.delete(key)
    makeRoom(this.#banned, this.#rules.limit)
    this.#banned.set(key, now + this.#rules.banMillis)
    return true
  }

  owing(key: string, now: number): number {
    const entry = this.#owing.get(key)
    if (entry === undefined) return 0
    return Math.max(0, entry.points - ((now - entry.at) * this.#rules.forgivenPerMinute) / 60_000)
  }

  isBanned(key: string, now: number): boolean {
    const until = this.#banned.get(key)
    return until !== undefined && until > now
  }

  /** Drops what has run out. */
  sweep(now: number): void {
    for (const [key, until] of this.#banned) if (until <= now) this.#banned.delete(key)
    for (const key of this.#owing.keys()) if (this.owing(key, now) === 0) this.#owing.delete(key)
  }
}

/** Maps keep the order of insertion, so the first entry is the oldest. */
const makeRoom = (map: Map<string, unknown>, limit: number): void => {
  if (map.size >= limit) map.delete(map.keys().next().value ?? "")
}
