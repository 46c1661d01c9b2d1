/**
 * What stands behind the Dht of a node that falls back (`HybridDht`): the network, and this node alone, in whose memory is
 * what it has seen lately. Which of them answers, how each is doing, and what waits for the network; and the switch.
 */
import { Context, Effect, Schema } from "effect"
import type { StorageFailed } from "../storage/RecordStore.ts"

export const BackendName = Schema.Literals(["real", "mock"])
export type BackendName = typeof BackendName.Type

/** `auto`: the real one while it is in reach. With the other two it is that one, whatever becomes of it. */
export const BackendMode = Schema.Literals(["auto", "real", "mock"])
export type BackendMode = typeof BackendMode.Type

/** `degraded`: slow, or the last operation came to nothing. `failed`: nothing is asked of it until a probe gets through. */
export const Health = Schema.Literals(["healthy", "degraded", "failed"])
export type Health = typeof Health.Type

export const BackendStatus = Schema.Struct({
  name: BackendName,
  health: Health,
  /** Unix seconds at which an operation or a probe last said something of its health; null for never. */
  lastCheck: Schema.NullOr(Schema.Int),
  /** Since the start: what said something of its health, and how much of that was a failure. */
  checks: Schema.Int,
  errors: Schema.Int,
  /** Failures since the last success. */
  consecutiveFailures: Schema.Int,
  /** A mean in which the latest count most; null where nothing was measured. */
  latencyMillis: Schema.NullOr(Schema.Number)
})
export type BackendStatus = typeof BackendStatus.Type

export const BackendsStatus = Schema.Struct({
  mode: BackendMode,
  /** Which of them answers now, and since when in unix seconds. */
  active: BackendName,
  since: Schema.Int,
  backends: Schema.Array(BackendStatus),
  outbox: Schema.Struct({
    /** Writes that nobody else can read yet, and the unix second since which the oldest of them waits. */
    waiting: Schema.Int,
    bytes: Schema.Int,
    oldest: Schema.NullOr(Schema.Int),
    /** Writes that the network refused for good, and why the latest of them was. */
    refused: Schema.Int,
    lastRefusal: Schema.NullOr(Schema.String)
  })
})
export type BackendsStatus = typeof BackendsStatus.Type

/** This node has one backend only: the setting `fallback` is off. */
export class FallbackOff extends Schema.TaggedError<FallbackOff>()("FallbackOff", {}) {}

export interface BackendsShape {
  /** Undefined where the node does not fall back. */
  readonly status: Effect.Effect<BackendsStatus | undefined, StorageFailed>
  /** Until it is said again, or the node ends: each starts with `auto`. */
  readonly select: (mode: BackendMode) => Effect.Effect<void, FallbackOff>
}

/** There is nothing to tell of, and nothing to switch, unless a `HybridDht` is there. */
export const Backends = Context.Reference<BackendsShape>("allium/services/dht/Backends", {
  defaultValue: () => ({ status: Effect.succeed(undefined), select: () => Effect.fail(new FallbackOff()) })
})
