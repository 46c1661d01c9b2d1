/**
 * Cells that are held back, because their header asks for it or because this node sends what it has collected all at
 * once and in an order of its own. One fiber looks after all of them, and sleeps only while there are some.
 */
import { Clock, Duration, Effect, Latch } from "effect"
import { HoldQueue } from "#core/onion/HoldQueue"
import { shuffle } from "#core/onion/shuffle"
import { SecureRandom } from "#services/identity/SecureRandom"
import { HELD_BYTES, HELD_BYTES_OF_SESSION } from "#services/onion/Limits"
import { MixPolicy } from "#services/onion/MixPolicy"
import type { CellTally } from "./CellTally.ts"
import type { Onward, Onwards } from "./onward.ts"
import { copied } from "./places.ts"

/** Cells that are sent before everything else has its turn, and sessions write out what they were offered. */
const AT_ONCE = 32

export interface Holding {
  /** Whether a cell that asks for so many milliseconds is held back at all. */
  readonly holds: (delay: number) => boolean
  /** False where there is no room for it. What has to make room for it is dropped and counted. */
  readonly hold: (onward: Onward, delay: number) => boolean
  readonly queue: HoldQueue<Onward>
}

export const makeHolding = Effect.fnUntraced(function* (onwards: Onwards, tally: CellTally) {
  const [clock, random, { flushEvery }] = [yield* Clock.Clock, yield* SecureRandom, yield* MixPolicy]
  const every = flushEvery === undefined ? 0 : Duration.toMillis(flushEvery)
  const queue = new HoldQueue<Onward>({ bytes: HELD_BYTES, share: HELD_BYTES_OF_SESSION })
  const [filled, sooner] = [yield* Latch.make(false), yield* Latch.make(false)]

  /** A wall clock that is put right would hold cells for as long as it was wrong. */
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  const start = now()

  const dueAfter = (delay: number): number => {
    const due = now() + delay
    return every === 0 ? due : start + (Math.floor((due - start) / every) + 1) * every
  }

  const hold: Holding["hold"] = (onward, delay) => {
    const [first, due] = [queue.next(), dueAfter(delay)]
    const kept = { ...onward, next: copied(onward.next) }
    const gone = queue.hold(kept, onward.cell.length, due, onward.from)
    for (const other of gone) if (other !== kept) tally.dropped("held")
    if (gone.includes(kept)) return false
    filled.openUnsafe()
    if (first === undefined || due < first) sooner.openUnsafe()
    return true
  }

  const release = Effect.fnUntraced(function* (due: ReadonlyArray<Onward>) {
    for (const [index, onward] of due.entries()) {
      if (index % AT_ONCE === AT_ONCE - 1) yield* Effect.yieldNow
      const refusal = onwards.pass(onward)
      if (refusal !== undefined) tally.dropped(refusal)
    }
  })

  const turn = Effect.gen(function* () {
    yield* filled.await
    sooner.closeUnsafe()
    const next = queue.next()
    if (next === undefined) filled.closeUnsafe()
    else if (next > now()) yield* Effect.timeoutOption(sooner.await, next - now())
    else {
      const due = queue.release(now())
      yield* release(every === 0 ? due : shuffle(due, random.bytes))
    }
  })
  yield* Effect.forkScoped(Effect.forever(turn))

  return { holds: (delay) => delay > 0 || every > 0, hold, queue } satisfies Holding
})
