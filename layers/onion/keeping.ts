/** What cells are made of and checked against, looked after in the background: keys, and what was here before. */
import { Clock, Duration, Effect, Latch, Metric } from "effect"
import { KEY_LENGTH } from "#core/identity/Suite"
import { EPHEMERAL_KEYS_LIMIT, EphemeralKeys } from "#core/onion/EphemeralKeys"
import { minuteOf } from "#core/onion/minutes"
import { PREVIOUS_LIFETIME } from "#core/onion/OnionKeys"
import { ReplaySet } from "#core/onion/ReplaySet"
import { TAG_BYTES } from "#core/onion/TagSet"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import { PeeledLimit } from "#services/onion/Limits"
import { rotations } from "#services/onion/Metrics"
import { OnionKeyPace, ReplaySweepPace } from "#services/onion/Schedules"

/** Keys made before everything else has its turn: a fifth of a millisecond. */
const AT_ONCE = 4

/** After sessions have written what they were offered, and whatever else runs at the end of a tick. */
const WHEN_IDLE = 10

/** A fresh onion key at its pace. The record shows it at the session manager's next sweep. */
export const rotateKeys = Effect.gen(function* () {
  const [suite, { onionKeys }, random] = [yield* Crypto, yield* Identity, yield* SecureRandom]
  const now = Effect.map(Clock.currentTimeMillis, (millis) => Math.floor(millis / 1_000))
  const forget = Effect.map(now, (seconds) => onionKeys.usable(seconds))
  const rotate = Effect.gen(function* () {
    const secret = random.bytes(KEY_LENGTH)
    onionKeys.rotate(suite.agreementKey(secret), yield* now)
    secret.fill(0)
    yield* Metric.update(rotations, 1)
    // Without a cell that asks for the keys, nobody would notice that the old one's time is over.
    yield* forget.pipe(Effect.delay(Duration.seconds(PREVIOUS_LIFETIME)), Effect.forkScoped)
  })
  yield* rotate.pipe(Effect.schedule(yield* OnionKeyPace), Effect.forkScoped)
})

/** Key pairs made ahead once some were taken, a few at a time. */
export const makeEphemerals = Effect.gen(function* () {
  const [suite, random, taken] = [yield* Crypto, yield* SecureRandom, yield* Latch.make(false)]
  const keys = new EphemeralKeys(suite, random.bytes, EPHEMERAL_KEYS_LIMIT, () => taken.openUnsafe())
  const refill = Effect.gen(function* () {
    yield* taken.await
    yield* Effect.yieldNowWith(WHEN_IDLE)
    keys.fill(Math.min(AT_ONCE, keys.wanted))
    if (keys.wanted === 0) taken.closeUnsafe()
  })
  yield* Effect.forkScoped(Effect.forever(refill))
  return keys
})

export interface Replays {
  readonly set: ReplaySet
  /** Something was entered. */
  readonly entered: () => void
}

/** The replay set, swept while anything is in it. */
export const makeReplays = Effect.gen(function* () {
  const [clock, random, filled] = [yield* Clock.Clock, yield* SecureRandom, yield* Latch.make(false)]
  const set = new ReplaySet(random.bytes(TAG_BYTES), yield* PeeledLimit)
  const sweep = Effect.gen(function* () {
    yield* filled.await
    set.expire(minuteOf(clock.currentTimeMillisUnsafe() / 1_000))
    if (set.size === 0) filled.closeUnsafe()
  })
  yield* sweep.pipe(Effect.schedule(yield* ReplaySweepPace), Effect.forkScoped)
  return { set, entered: () => void filled.openUnsafe() } satisfies Replays
})
