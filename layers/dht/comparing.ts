/**
 * Answers Ranges: in what this node differs from the one that asks. To answer costs a walk along a part of the store, so
 * each peer has a rate, counted in rows, and few are answered at one time.
 */
import { Clock, Effect, Semaphore } from "effect"
import { differencesOf } from "#core/dht/differences"
import { areDisjoint } from "#core/dht/keyPrefix"
import type { Contact } from "#core/identity/Contact"
import { TokenBucket } from "#core/session/TokenBucket"
import { keyOf } from "#schemas/bytes/bytes"
import type { DhtAnswer, DhtRequest } from "#schemas/dht/DhtMessage"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { COMPARED_ROWS, COMPARING_PEERS, COMPARISONS, COMPARISONS_WAITING, ROWS_RATE } from "#services/dht/Limits"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { SessionManager } from "#services/session/SessionManager"
import { isWithin, makeSumming } from "./summing.ts"

type Ranges = Extract<DhtRequest, { readonly _tag: "Ranges" }>

const refuse = (tag: string, detail: string) => new RpcFailure({ tag, detail, data: null })
const busy = refuse("Busy", "too much to compare")
const malformed = refuse("Malformed", "ranges that overlap")
const failed = refuse("Failed", "the store failed")

export const makeComparing = Effect.gen(function* () {
  const { nodeId } = yield* Identity
  const sessions = yield* SessionManager
  const clock = yield* Clock.Clock
  const { sum } = yield* makeSumming
  const turn = yield* Semaphore.make(COMPARISONS)
  /** Least recently heard of first. */
  const rates = new Map<string, TokenBucket>()
  let waiting = 0
  const bounds = yield* Bounds
  yield* bounds.watch("peers that compare", COMPARING_PEERS, () => rates.size)
  yield* bounds.watch("comparisons under way", COMPARISONS_WAITING, () => waiting)

  const rateOf = (from: Contact): TokenBucket => {
    const rate = rates.get(from.key) ?? new TokenBucket(ROWS_RATE, clock.currentTimeMillisUnsafe())
    rates.delete(from.key)
    if (rates.size >= COMPARING_PEERS) rates.delete(rates.keys().next().value ?? "")
    rates.set(from.key, rate)
    return rate
  }

  const answer = Effect.fnUntraced(
    function* ({ radius, ranges }: Ranges, from: Contact) {
      const without = (key: Uint8Array) => !isWithin(radius, key, nodeId) || !isWithin(radius, key, from.nodeId)
      const { rows, sums } = yield* sum(ranges, { rows: COMPARED_ROWS, without })
      rateOf(from).take(rows, clock.currentTimeMillisUnsafe())
      // What was not walked through is left out of the answer, as what does not fit is.
      const reached = new Map(sums.map((it) => [keyOf(it.range.prefix), it]))
      const compared = ranges.filter(({ prefix }) => reached.has(keyOf(prefix)))
      const answered: DhtAnswer = { _tag: "Differences", ...differencesOf(compared, sums) }
      return answered
    },
    Effect.mapError(() => failed)
  )

  return (request: Ranges, from: Contact): Effect.Effect<DhtAnswer, RpcFailure> =>
    Effect.suspend(() => {
      if (!areDisjoint(request.ranges)) {
        sessions.charge(from.key, "malformed")
        return Effect.fail(malformed)
      }
      if (waiting >= COMPARISONS_WAITING || rateOf(from).take(1, clock.currentTimeMillisUnsafe()) > 0)
        return Effect.fail(busy)
      waiting++
      return Effect.ensuring(
        Semaphore.withPermit(turn, answer(request, from)),
        Effect.sync(() => waiting--)
      )
    })
})
