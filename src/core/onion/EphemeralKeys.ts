/**
 * Key pairs made ahead, since making one costs as much as an agreement: a cell takes four, and an answer by four layers
 * another four. Each is handed out once.
 */
import { type AgreementKey, KEY_LENGTH, type Suite } from "#core/identity/Suite"
import type { Draw } from "./sealStack.ts"

/** For some thirty cells in a row. */
export const EPHEMERAL_KEYS_LIMIT = 256

export class EphemeralKeys {
  readonly #suite: Suite
  readonly #draw: Draw
  readonly #limit: number
  readonly #onTake: () => void
  readonly #ready: Array<AgreementKey> = []
  /** How many were ever taken, up to the limit. */
  #taken = 0

  /** `onTake` is called whenever some were handed out. */
  constructor(suite: Suite, draw: Draw, limit = EPHEMERAL_KEYS_LIMIT, onTake: () => void = () => {}) {
    this.#suite = suite
    this.#draw = draw
    this.#limit = limit
    this.#onTake = onTake
  }

  /** Made ahead and not taken. */
  get size(): number {
    return this.#ready.length
  }

  /** How many are missing to have as many ready as were ever taken: who sends little has little made ahead. */
  get wanted(): number {
    return Math.max(0, this.#taken - this.#ready.length)
  }

  /** Makes up to `count` more, as far as there is room; answers how many. For moments when nothing else is to do. */
  fill(count: number): number {
    const made = Math.max(0, Math.min(count, this.#limit - this.#ready.length))
    for (let index = 0; index < made; index++) this.#ready.push(this.#make())
    return made
  }

  /** So many, for the layers of one cell. What is not ready is made at once. */
  take(count: number): ReadonlyArray<AgreementKey> {
    const taken = this.#ready.splice(0, count)
    while (taken.length < count) taken.push(this.#make())
    this.#taken = Math.min(this.#limit, this.#taken + count)
    this.#onTake()
    return taken
  }

  #make(): AgreementKey {
    const secret = this.#draw(KEY_LENGTH)
    const key = this.#suite.agreementKey(secret)
    secret.fill(0)
    return key
  }
}
