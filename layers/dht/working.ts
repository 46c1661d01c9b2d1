/** Does the work that a node under pressure asks for, a piece at a time, so that the rest of this node goes on meanwhile. */
import { Clock, Effect, Semaphore } from "effect"
import { Search } from "#core/dht/work"
import { equalBytes } from "#schemas/bytes/bytes"
import { dayOf } from "#schemas/dht/Work"
import { WORK_PIECE } from "#services/dht/Limits"
import { Crypto } from "#services/identity/Crypto"
import type { Outgoing } from "./Replication.ts"

/** What was found last: several nodes may ask for the same. */
interface Done {
  readonly digest: Uint8Array
  readonly day: number
  readonly bits: number
  readonly nonce: Uint8Array
}

export const makeWorker = Effect.gen(function* () {
  const suite = yield* Crypto
  const clock = yield* Clock.Clock
  const one = yield* Semaphore.make(1)
  let done: Done | undefined

  /** A nonce of `bits` for today. It speaks for the record, not for one node: all that ask for as much take it. */
  return Effect.fnUntraced(function* ({ bytes, key, kind }: Pick<Outgoing, "bytes" | "key" | "kind">, bits: number) {
    const digest = suite.sha256(bytes)
    const day = dayOf(clock.currentTimeMillisUnsafe() / 1000)
    if (done !== undefined && done.day === day && done.bits >= bits && equalBytes(done.digest, digest)) {
      return done.nonce
    }
    const search = new Search(suite, { kind, key, digest }, day, bits)
    for (;;) {
      const nonce = search.step(WORK_PIECE)
      if (nonce !== undefined) {
        done = { digest, day, bits, nonce }
        return nonce
      }
      yield* Effect.yieldNow
    }
  }, Semaphore.withPermit(one))
})
