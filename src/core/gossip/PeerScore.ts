/**
 * What one neighbour has earned and lost, as a number: whoever is below zero leaves every mesh, and lower thresholds
 * close the rest (after the peer scoring of gossipsub v1.1).
 *
 * What is good counts up to a limit, what is bad by its square: a spammer cannot pay for spam with good behaviour. All
 * counters halve with time, so that nobody is judged for ever, and nobody lives on old merits.
 */

/** Below: neither told of messages nor believed about them; own messages are not handed over; not heard at all. */
export const GOSSIP_THRESHOLD = -10
export const PUBLISH_THRESHOLD = -40
export const GRAYLIST_THRESHOLD = -80

/** Points a minute in a mesh, and at most. */
const PER_MINUTE = 0.5
const MESH_LIMIT = 3

/** Points for a message that nobody brought before, and at most; half of them after two minutes. */
const PER_FIRST = 1
const FIRST_LIMIT = 20
const FIRST_HALF_LIFE = 120_000

/** Points of all topics together, at most. */
const TOPICS_LIMIT = 30

/** Points of refused messages by their square: the first ends the mesh, the third the hearing. */
const PER_INVALID = 10
const INVALID_HALF_LIFE = 600_000

/** Points of misbehaviour by the square of what goes beyond what may happen to the honest, who meet on a slow line. */
const PER_OFFENCE = 1
const OFFENCES_FREE = 5
const OFFENCES_HALF_LIFE = 60_000

/** A number that halves with time. */
class Halving {
  readonly #halfLife: number
  #value = 0
  #at = 0

  constructor(halfLife: number) {
    this.#halfLife = halfLife
  }

  at(now: number): number {
    if (this.#value === 0) return 0
    const left = this.#value * 0.5 ** (Math.max(0, now - this.#at) / this.#halfLife)
    return left < 0.01 ? 0 : left
  }

  add(amount: number, now: number, limit = Number.POSITIVE_INFINITY): void {
    this.#value = Math.min(limit, this.at(now) + amount)
    this.#at = now
  }
}

interface Merits {
  /** Since when it has been in the mesh of the topic; undefined while it is not. */
  since: number | undefined
  readonly first: Halving
}

export class PeerScore {
  readonly #topics = new Map<string, Merits>()
  readonly #invalid = new Halving(INVALID_HALF_LIFE)
  readonly #offences = new Halving(OFFENCES_HALF_LIFE)

  /** Times in milliseconds, here and below. */
  enteredMesh(topic: string, now: number): void {
    this.#merits(topic).since ??= now
  }

  leftMesh(topic: string): void {
    const merits = this.#topics.get(topic)
    if (merits !== undefined) merits.since = undefined
  }

  /** This node no longer takes part in it. */
  forget(topic: string): void {
    this.#topics.delete(topic)
  }

  broughtFirst(topic: string, now: number): void {
    this.#merits(topic).first.add(PER_FIRST, now, FIRST_LIMIT)
  }

  sentInvalid(now: number): void {
    this.#invalid.add(1, now)
  }

  misbehaved(now: number): void {
    this.#offences.add(1, now)
  }

  /** Nothing good is remembered of those who have left; by this one may forget the rest. */
  isClean(now: number): boolean {
    return this.#invalid.at(now) === 0 && this.#offences.at(now) === 0
  }

  /** Of a peer that has left: merits end with the session. */
  leave(): void {
    this.#topics.clear()
  }

  /** `crowd`: how many of its network came before it, beyond those that may. */
  at(now: number, crowd: number): number {
    let good = 0
    for (const { first, since } of this.#topics.values()) {
      if (since !== undefined) good += Math.min(MESH_LIMIT, ((now - since) / 60_000) * PER_MINUTE)
      good += first.at(now)
    }
    const offences = Math.max(0, this.#offences.at(now) - OFFENCES_FREE)
    const bad = PER_INVALID * this.#invalid.at(now) ** 2 + PER_OFFENCE * offences ** 2 + crowd ** 2
    return Math.min(TOPICS_LIMIT, good) - bad
  }

  #merits(topic: string): Merits {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const merits = { since: undefined, first: new Halving(FIRST_HALF_LIFE) }
    this.#topics.set(topic, merits)
    return merits
  }
}
